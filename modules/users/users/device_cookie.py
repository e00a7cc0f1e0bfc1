"""The browsers that somebody has signed in with: a cookie of its own, beside the session's, that outlives signing out.

After OWASP, "Slow Down Online Guessing Attacks with Device Cookies". Whoever floods an account with guesses has no such
cookie, and its owner has, so the two can be held to limits of their own. It signs nobody in.
"""

import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from framework.keyring import KeyRing
from framework.settings import Settings

VERSION = "1"
PURPOSE = "users.device"
LIFETIME = timedelta(days=180)
KEPT = 5
"""Accounts that one browser is known to at most: those that signed in last."""
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_token = re.compile(VERSION + r"\.([\w-]{8})\.(\d{1,6})\.([\w-]{22})\.([\w-]{43})", re.ASCII).fullmatch


class DeviceCookie:
    """Reads and writes it by the settings of one installation.

    Its value is a token for each account: version, key id, day of issue, random id of the device, signature. The
    account is signed but not written, so the cookie says nothing of who uses this browser.
    """

    def __init__(self, settings: Settings) -> None:
        self.name = "__Host-seamark-device" if settings.is_secure else "seamark-device"
        self._attributes = f"; Path=/; HttpOnly; SameSite=Lax{'; Secure' if settings.is_secure else ''}"
        keys = [settings.secret_key, *settings.secret_key_fallbacks]
        self._ring = KeyRing([key.get_secret_value() for key in keys], PURPOSE)

    def device_of(self, value: str, account_id: UUID, now: datetime) -> str | None:
        """The id under which this account knows the browser; ``None`` for an unknown one, and for anything forged."""
        for text in _well_formed(value):
            _, key_id, day, device, signature = text.split(".")
            if self._ring.verify(_payload(account_id, day, device), key_id, signature):
                return device if _EPOCH + timedelta(days=int(day)) > now - LIFETIME else None
        return None

    def write(self, value: str, account_id: UUID, now: datetime) -> str:
        """The ``Set-Cookie`` value that makes the browser known to one account more, or anew.

        The id is new each time: a copy of the cookie and its owner are two devices from the next sign-in on.
        """
        day, device = str((now - _EPOCH).days), secrets.token_urlsafe(16)
        key_id, signature = self._ring.sign(_payload(account_id, day, device))
        others = [text for text in _well_formed(value) if self.device_of(text, account_id, now) is None]
        tokens = "~".join([f"{VERSION}.{key_id}.{day}.{device}.{signature}", *others][:KEPT])
        return f"{self.name}={tokens}; Max-Age={int(LIFETIME.total_seconds())}{self._attributes}"


def _payload(account_id: UUID, day: str, device: str) -> str:
    return f"{VERSION}.{account_id}.{day}.{device}"


def _well_formed(value: str) -> Iterator[str]:
    return filter(_token, value.split("~", KEPT)[:KEPT])
