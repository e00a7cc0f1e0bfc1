"""E-mail addresses as names of accounts."""

import re
from typing import Annotated
from unicodedata import normalize

from pydantic import AfterValidator

MAX_LENGTH = 254
# Composing shortens, at most to a third (Unicode Standard Annex 15); and it takes minutes for a megabyte of accents.
MAX_LENGTH_AS_TYPED = 3 * MAX_LENGTH
_address = re.compile(r'[^\s@<>()\[\],;:\\"]{1,64}@[^\s@<>()\[\],;:\\"]+').fullmatch


def normalise(text: str) -> str | None:
    """``text`` in the form that is stored and compared, without case; ``None`` when it cannot be an address.

    Says nothing of whether mail arrives there, which only mail can tell: an intranet's ``admin@localhost`` is fine.
    Unlike RFC 5321 it holds the local part to be without case too, as every mail provider of today does.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH_AS_TYPED:
        return None
    address = normalize("NFC", text).lower()
    if len(address) > MAX_LENGTH or not address.isprintable() or not _address(address):
        return None
    return address


def _valid(text: str) -> str:
    address = normalise(text)
    if address is None:
        raise ValueError("This is not an e-mail address.")
    return address


EmailAddress = Annotated[str, AfterValidator(_valid)]
