"""Password hashes: argon2id, off the event loop, a few at a time (OWASP Password Storage; ASVS 11.4.2)."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from framework.problems import Problem
from framework.settings import settings_of

from users.settings import UsersSettings

MAX_WAITING = 200
"""At 16 ms a hash and two threads, whoever comes later would wait longer than a person does."""


class Passwords:
    """Hashes and verifies. Hashing releases the GIL, so threads keep the event loop free; their number bounds memory.

    Both raise ``Problem`` 503 when too many wait already.
    """

    def __init__(self, settings: UsersSettings) -> None:
        self._argon2 = PasswordHasher(
            time_cost=settings.argon2_iterations,
            memory_cost=settings.argon2_memory,
            parallelism=settings.argon2_parallelism,
        )
        self._threads = ThreadPoolExecutor(settings.hashing_threads, thread_name_prefix="argon2")
        self._waiting = 0
        self._decoy = self._hash_of_nothing()

    def refuse_if_busy(self) -> None:
        """For who has something to do before that cannot be undone. Raises ``Problem`` 503."""
        if self._waiting >= MAX_WAITING:
            raise Problem(
                503, "users.busy", "Too many people sign in at this moment. Try again.", headers={"retry-after": "2"}
            )

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether ``hashed`` was made of ``password``. ``None``, for no account, takes the same work and is never true."""
        return await self._run(lambda: self._matches(hashed or self._decoy, password))

    def is_outdated(self, hashed: str) -> bool:
        """Whether the parameters have changed since, so that the next sign-in should hash anew."""
        return self._argon2.check_needs_rehash(hashed)

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._argon2.verify(hashed, password)
        except VerifyMismatchError:
            return False

    def _hash_of_nothing(self) -> str:
        """Well-formed, with today's parameters and a random digest: no password is known, and none need be hashed for it."""
        salt, digest = (b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
        cost = f"m={self._argon2.memory_cost},t={self._argon2.time_cost},p={self._argon2.parallelism}"
        return f"$argon2id$v=19${cost}${salt}${digest}"

    async def _run[T](self, call: Callable[[], T]) -> T:
        self.refuse_if_busy()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._waiting -= 1


@cache
def passwords() -> Passwords:
    """The hasher of this process, by its settings."""
    return Passwords(settings_of(UsersSettings))
