from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from framework.application import CurrentApplication
from framework.context import CurrentContext, CurrentPrincipal
from framework.listing import ListQuery, Page, PageRows
from framework.policies import optional, policy, require, signed_in
from framework.problems import Problem
from framework.request_session import Session
from framework.routing import Router
from starlette.responses import Response

from users import accounts, profile, roles, sessions
from users.device_cookie import DeviceCookie
from users.password_rules import refuse_weak
from users.passwords import passwords
from users.schemas import (
    AccountBody,
    AccountOut,
    Me,
    NewAccountBody,
    PasswordBody,
    PermissionOut,
    ProfileBody,
    RoleBody,
    RoleName,
    RoleOut,
    Sessions,
    SignInBody,
)
from users.sessions import Client
from users.sign_in import change_password, prove, sign_in

# What these routes change lies in the transaction alone, so all of them may run again when that was lost. A password
# that is compared twice so counts as two guesses, and as none once it is right.
router = Router("users")


async def _client(request: Request) -> Client:
    return Client.of(request)


CurrentClient = Annotated[Client, Depends(_client)]
Id = Annotated[UUID, Path(alias="id")]


@router.post("/sign-in", status_code=204)
@policy(optional, retry_safe=True, essential=True, idempotent=True, rate_class="sign-in")
async def post_sign_in(
    body: SignInBody,
    request: Request,
    *,
    context: CurrentContext,
    application: CurrentApplication,
    client: CurrentClient,
    session: Session,
) -> Response:
    """Sign in with e-mail address and password; the answer sets the session cookie, and another that makes the browser known."""
    now = datetime.now(UTC)
    known = DeviceCookie(application.settings)
    cookie = request.cookies.get(known.name, "")
    proof = await prove(
        application.database,
        body.email,
        body.password.get_secret_value(),
        lambda account_id: known.device_of(cookie, account_id, now),
    )
    token = await sign_in(session, proof, client, context.token)
    if proof is None or token is None:
        raise Problem(401, "users.invalid_credentials", "E-mail address or password is not right.")
    context.set_cookie = application.cookie.write(token)
    return Response(status_code=204, headers={"set-cookie": known.write(cookie, proof.account_id, now)})


@router.post("/sign-out", status_code=204)
@policy(optional, retry_safe=True, essential=True, idempotent=True)
async def post_sign_out(context: CurrentContext, application: CurrentApplication, session: Session) -> Response:
    """End this session; harmless without one."""
    await sessions.end_token(session, context.token)
    context.set_cookie = application.cookie.clear()
    # Not "storage": the theme a person chose lives there, and nothing of the account does (ASVS 14.3.1).
    return Response(status_code=204, headers={"clear-site-data": '"cache"'})


@router.get("/me")
@policy(signed_in)
async def get_me(principal: CurrentPrincipal) -> Me:
    """Who is signed in; from the principal, so it asks the database nothing more."""
    return profile.of(principal)


@router.patch("/me")
@policy(signed_in, retry_safe=True)
async def patch_me(body: ProfileBody, principal: CurrentPrincipal, session: Session) -> Me:
    return await profile.rename(session, principal, body.name)


@router.post("/me/password", status_code=204)
@policy(signed_in, retry_safe=True)
async def post_password(
    body: PasswordBody,
    *,
    context: CurrentContext,
    principal: CurrentPrincipal,
    application: CurrentApplication,
    client: CurrentClient,
    session: Session,
) -> Response:
    """Change one's own password. Ends every session of the account; this browser gets a new one."""
    new = body.new_password.get_secret_value()
    refuse_weak(new, "new_password", email=principal.email, name=principal.name)
    # A session is as good as a known device: guesses of strangers keep nobody from changing their password.
    device = f"session {principal.session_id}"
    current = body.current_password.get_secret_value()
    proof = await prove(application.database, principal.email, current, lambda _: device)
    hashed = await passwords().hash(new) if proof else None
    token = await change_password(session, proof, hashed, client)
    if token is None:
        raise Problem(403, "users.wrong_password", "The current password is not right.")
    context.set_cookie = application.cookie.write(token)
    return Response(status_code=204)


@router.get("/me/sessions")
@policy(signed_in)
async def list_my_sessions(principal: CurrentPrincipal, application: CurrentApplication, session: Session) -> Sessions:
    """Where this account is signed in."""
    items = await sessions.live(session, application.settings, principal.user_id, principal.session_id)
    return Sessions(items=items)


@router.delete("/me/sessions/{id}", status_code=204)
@policy(signed_in, retry_safe=True)
async def end_my_session(
    session_id: Id,
    context: CurrentContext,
    principal: CurrentPrincipal,
    application: CurrentApplication,
    session: Session,
) -> None:
    if not await sessions.end_own(session, principal.user_id, session_id):
        raise Problem(404, "users.session_not_found", "This session has ended already.")
    if session_id == principal.session_id:
        context.set_cookie = application.cookie.clear()


@router.get("/accounts", response_model=Page[AccountOut])
@policy(require("users.view"))
async def list_accounts(query: ListQuery, application: CurrentApplication) -> PageRows:
    return await accounts.listing.page(application.database, query)


@router.post("/accounts", status_code=201)
@policy(require("users.manage"), retry_safe=True)
async def create_account(body: NewAccountBody, principal: CurrentPrincipal, session: Session) -> AccountOut:
    password = body.password.get_secret_value()
    refuse_weak(password, "password", email=body.email, name=body.name)
    return await accounts.create(session, principal, body, await passwords().hash(password))


@router.get("/accounts/{id}")
@policy(require("users.view"))
async def get_account(account_id: Id, session: Session) -> AccountOut:
    return await accounts.get(session, account_id)


@router.patch("/accounts/{id}")
@policy(require("users.manage"), retry_safe=True)
async def change_account(
    account_id: Id, body: AccountBody, principal: CurrentPrincipal, session: Session
) -> AccountOut:
    return await accounts.change(session, principal, account_id, body)


@router.delete("/accounts/{id}", status_code=204)
@policy(require("users.manage"), retry_safe=True)
async def delete_account(account_id: Id, principal: CurrentPrincipal, session: Session) -> None:
    await accounts.remove(session, principal, account_id)


@router.post("/accounts/{id}/end-sessions", status_code=204)
@policy(require("users.manage"), retry_safe=True)
async def end_sessions_of_account(account_id: Id, principal: CurrentPrincipal, session: Session) -> None:
    await accounts.end_sessions(session, principal, account_id)


@router.post("/accounts/{id}/forget-failed-sign-ins", status_code=204)
@policy(require("users.manage"), retry_safe=True)
async def forget_failed_sign_ins_of_account(account_id: Id, principal: CurrentPrincipal, session: Session) -> None:
    """Let somebody try again who has to wait, or is refused, after too many failed attempts of whomever."""
    await accounts.forget_failed_sign_ins(session, principal, account_id)


@router.get("/roles")
@policy(require("users.view"))
async def list_roles(application: CurrentApplication, session: Session) -> list[RoleOut]:
    return await roles.every_role(session, application.permissions)


@router.get("/permissions")
@policy(require("users.view"))
async def list_permissions(application: CurrentApplication) -> list[PermissionOut]:
    """What the enabled modules let a role grant."""
    return roles.every_permission(application.modules)


@router.put("/roles/{name}")
@policy(require("users.manage"), retry_safe=True)
async def put_role(
    name: Annotated[RoleName, Path()],
    body: RoleBody,
    principal: CurrentPrincipal,
    application: CurrentApplication,
    session: Session,
) -> RoleOut:
    """Make a role or change what it grants; it counts from the next request of everybody who has it."""
    return await roles.put(session, principal, name, body, application.permissions)


@router.delete("/roles/{name}", status_code=204)
@policy(require("users.manage"), retry_safe=True)
async def delete_role(name: Annotated[RoleName, Path()], principal: CurrentPrincipal, session: Session) -> None:
    await roles.remove(session, principal, name)
