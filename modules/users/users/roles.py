"""Roles: editable sets of permissions, and the rule that nobody hands out what they do not hold (ASVS 8.3.1)."""

from collections.abc import Collection, Sequence

from framework.module import Module
from framework.principal import Principal
from framework.problems import Problem
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from users.authentication import ADMINISTRATOR
from users.schemas import PermissionOut, RoleBody, RoleOut
from users.tables import Role


async def every_role(session: AsyncSession, declared: frozenset[str]) -> list[RoleOut]:
    """The built-in administrator with all permissions of the enabled modules, then the others by label."""
    administrator = RoleOut(name=ADMINISTRATOR, label="Administrator", permissions=sorted(declared), built_in=True)
    return [administrator, *(_out(role) for role in await session.scalars(select(Role).order_by(Role.label)))]


def every_permission(modules: Sequence[Module]) -> list[PermissionOut]:
    return [
        PermissionOut(name=permission.name, label=permission.label, module=module.label)
        for module in sorted(modules, key=lambda module: module.label)
        for permission in module.permissions
    ]


async def put(session: AsyncSession, actor: Principal, name: str, body: RoleBody, declared: frozenset[str]) -> RoleOut:
    """Make the role or change it. It may keep permissions of modules that are disabled now, but gain none of them."""
    _refuse_built_in(name)
    role = await session.get(Role, name, with_for_update=True)
    before = set(role.permissions) if role else set()
    unknown = sorted(body.permissions - declared - before)
    if unknown:
        message = f"No enabled module declares {', '.join(unknown)}."
        raise Problem(422, "users.unknown_permission", message, errors=[{"field": "permissions", "message": message}])
    refuse_beyond(actor, before ^ body.permissions)
    if role is None:
        role = Role(name=name)
        session.add(role)
    role.label, role.permissions = body.label, sorted(body.permissions)
    return _out(role)


async def remove(session: AsyncSession, actor: Principal, name: str) -> None:
    """Delete the role; whoever had it keeps the account without it."""
    _refuse_built_in(name)
    role = await session.get(Role, name, with_for_update=True)
    if role is None:
        raise Problem(404, "users.role_not_found", "There is no such role.")
    refuse_beyond(actor, role.permissions)
    await session.execute(delete(Role).where(Role.name == name))


async def permissions_of(session: AsyncSession, names: Collection[str]) -> set[str]:
    """What these roles grant together. Raises ``Problem`` 422 for a role that does not exist."""
    found = {role.name: role.permissions for role in await session.scalars(select(Role).where(Role.name.in_(names)))}
    missing = sorted(set(names) - found.keys())
    if missing:
        message = f"There is no role {', '.join(missing)}."
        raise Problem(422, "users.unknown_role", message, errors=[{"field": "roles", "message": message}])
    return {permission for permissions in found.values() for permission in permissions}


def refuse_beyond(actor: Principal, permissions: Collection[str]) -> None:
    """Raises ``Problem`` 403 when ``actor`` would give or take a permission without holding it."""
    if ADMINISTRATOR not in actor.roles and not actor.permissions.issuperset(permissions):
        beyond = ", ".join(sorted(set(permissions) - actor.permissions))
        raise Problem(403, "users.beyond_own_permissions", f"You cannot give or take what you do not hold: {beyond}.")


def _refuse_built_in(name: str) -> None:
    if name == ADMINISTRATOR:
        raise Problem(409, "users.role_built_in", "The administrator's role always holds every permission.")


def _out(role: Role) -> RoleOut:
    return RoleOut(name=role.name, label=role.label, permissions=sorted(role.permissions), built_in=False)
