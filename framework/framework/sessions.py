"""The session cookie: version, key id, random session id, signature; no personal data (ASVS 7.2, OWASP Session Management).

The row that the authenticating module keeps is the truth; the signature keeps forged ids from ever reaching it and
carries the rotation of keys.
"""

import secrets
from dataclasses import dataclass
from hashlib import blake2b

from framework.keyring import KeyRing
from framework.settings import Settings

VERSION = "1"
PURPOSE = "session"


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A session id as the cookie carries it. The database knows only its digest, so a leaked table signs nobody in."""

    value: str

    @property
    def digest(self) -> bytes:
        """32 bytes; what the session's row is found by."""
        return blake2b(self.value.encode(), digest_size=32).digest()


class SessionCookie:
    """Writes and reads the cookie by the settings of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.name = "__Host-seamark" if settings.is_secure else "seamark"
        self._attributes = f"; Path=/; HttpOnly; SameSite=Lax{'; Secure' if settings.is_secure else ''}"
        self._max_age = int(settings.session_absolute_hours * 3600)
        keys = [settings.secret_key, *settings.secret_key_fallbacks]
        self._ring = KeyRing([key.get_secret_value() for key in keys], PURPOSE)

    @staticmethod
    def new_token() -> SessionToken:
        """A new session id of 256 random bits. Every sign-in takes one, so none can be fixed beforehand (ASVS 7.2.4)."""
        return SessionToken(secrets.token_urlsafe(32))

    def write(self, token: SessionToken) -> str:
        """The ``Set-Cookie`` value that signs in."""
        payload = f"{VERSION}.{token.value}"
        key_id, signature = self._ring.sign(payload)
        return f"{self.name}={VERSION}.{key_id}.{token.value}.{signature}; Max-Age={self._max_age}{self._attributes}"

    def clear(self) -> str:
        """The ``Set-Cookie`` value that signs out."""
        return f"{self.name}=; Max-Age=0{self._attributes}"

    def read(self, header: str) -> tuple[SessionToken, bool] | None:
        """The token of a ``Cookie`` header and whether the current key signed it; ``None`` for anything forged."""
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.name:
                return self._verify(value)
        return None

    def _verify(self, value: str) -> tuple[SessionToken, bool] | None:
        parts = value.split(".")
        if len(parts) != 4 or parts[0] != VERSION:
            return None
        version, key_id, token, signature = parts
        if not self._ring.verify(f"{version}.{token}", key_id, signature):
            return None
        return SessionToken(token), self._ring.is_current(key_id)
