"""The request header ``Idempotency-Key``: a structured-field string (RFC 8941, 3.3.3), or the same without its quotes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from starlette.types import Scope

from framework.idempotency.body import DigestedBody
from framework.problems import Problem

HEADER = b"idempotency-key"
SHORTEST, LONGEST = 8, 255
_string = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"').fullmatch
# Visible characters without those that have a meaning in structured fields: quote, comma, semicolon, backslash.
_bare = re.compile(rb"[!#-+\--:<-\[\]-~]+").fullmatch


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key that a request came with. It counts once the request's person is known."""

    digest: bytes
    body: DigestedBody

    async def fingerprint(self, scope: Scope) -> bytes:
        """What makes another request with this key the same one. Reads what is left of the body, and keeps it for the route."""
        parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], await self.body.digest())
        return sha256(b"\0".join(parts)).digest()


def read_key(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The key's SHA-256; ``None`` where there is none. Raises ``Problem`` 400."""
    given = [value for name, value in headers if name == HEADER]
    if not given:
        return None
    key = _unquoted(given[0]) if len(given) == 1 else None
    if key is None or not SHORTEST <= len(key) <= LONGEST:
        raise Problem(
            400,
            "idempotency.invalid_key",
            f'Idempotency-Key is one string of {SHORTEST} to {LONGEST} printable ASCII characters, such as "a UUID".',
        )
    return sha256(key).digest()


def _unquoted(value: bytes) -> bytes | None:
    if _bare(value):
        return value
    quoted = _string(value)
    return re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else None
