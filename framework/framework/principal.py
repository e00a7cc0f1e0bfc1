"""Who is calling: the principal, as the one authenticating module supplies it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from framework.application import Application

if TYPE_CHECKING:
    from asyncpg import Connection, Record


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person, valid for one request."""

    user_id: UUID
    session_id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    permissions: frozenset[str]
    last_seen_at: datetime

    def may(self, permission: str) -> bool:
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class Authentication:
    """How a module authenticates: given in its manifest as ``authentication``; exactly one enabled module has one.

    ``load`` answers for the digest of a session id (32 bytes) on a driver connection, outside any transaction and
    by one prepared statement, with ``None`` when that session does not exist, has ended or has expired.
    ``seen`` is told of every authenticated request but unattended ones, and must not block.
    """

    load: "Callable[[Connection[Record], bytes, Application], Awaitable[Principal | None]]"
    seen: Callable[[Principal], None]
