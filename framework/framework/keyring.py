"""Signing keys: the first signs, all verify, one derived key per purpose."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

SIGNATURE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A key for one purpose. ``id`` names it without telling anything about it."""

    id: str
    secret: bytes

    def sign(self, payload: bytes) -> str:
        digest = blake2b(payload, key=self.secret, digest_size=SIGNATURE_BYTES).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


class KeyRing:
    """``SM_SECRET_KEY`` and its fallbacks, for one purpose.

    A key derived for one purpose (``session``, ``password reset``) never verifies what another signed, so rotating or
    leaking one kind of token says nothing about the rest. Keyed BLAKE2b is a MAC by itself (RFC 7693, section 2.9).
    """

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        if not secrets:
            raise ValueError("a key ring needs at least one secret")
        self._keys = {key.id: key for key in (_derive(secret, purpose) for secret in reversed(secrets))}
        self._current = _derive(secrets[0], purpose)

    def sign(self, payload: str) -> tuple[str, str]:
        """The current key's id and the signature of ``payload``."""
        return self._current.id, self._current.sign(payload.encode())

    def verify(self, payload: str, key_id: str, signature: str) -> bool:
        key = self._keys.get(key_id)
        return key is not None and hmac.compare_digest(key.sign(payload.encode()).encode(), signature.encode())

    def is_current(self, key_id: str) -> bool:
        """Whether a token made by this key needs no new signature."""
        return key_id == self._current.id


def _derive(secret: str, purpose: str) -> Key:
    root = blake2b(secret.encode(), digest_size=64).digest()
    derived = blake2b(purpose.encode(), key=root, person=b"seamark.keyring", digest_size=64).digest()
    identity = blake2b(derived, digest_size=6, person=b"seamark.key.id").digest()
    return Key(urlsafe_b64encode(identity).decode(), derived)
