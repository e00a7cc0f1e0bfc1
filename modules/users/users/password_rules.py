"""Which passwords are refused (ASVS 6.2.1 to 6.2.12, NIST 800-63B-4 3.1.1.2).

Length, and no guessable ones; nothing about kinds of characters, which only makes passwords predictable. A password is
used exactly as it was typed: not trimmed, not cut, not normalised.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from framework.problems import Problem
from framework.settings import settings_of

from users.settings import UsersSettings

MAX_LENGTH = 256
MIN_DISTINCT = 6
MIN_BESIDE_CONTEXT = 6
"""Letters and digits that must be left when the person's own words and the application's are taken out."""
APPLICATION_WORDS = ("seamark", "password", "administrator")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertzuiopasdfghjklyxcvbnm", "qwertyuiopasdfghjklzxcvbnm")
RUNS = tuple(run for row in _ROWS for run in (row * 4, row[::-1] * 4))


def objection(password: str, *, email: str, name: str) -> str | None:
    """Why this password is refused for the person of that e-mail address and name, in words for them; else ``None``."""
    minimum = settings_of(UsersSettings).password_min_length
    if len(password) < minimum:
        return f"Use at least {minimum} characters. A few words in a row are easy to remember."
    if len(password) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH} characters."
    plain = _letters_and_digits(password)
    if len(set(password)) < MIN_DISTINCT or any(plain and plain in run for run in RUNS):
        return "This is one pattern over and over. Use a few words that do not belong together."
    unit = _unit(plain)
    if not _common().isdisjoint({plain, unit, plain.rstrip("0123456789"), unit.rstrip("0123456789")}):
        return "This is among the passwords that are tried first. Use a few words that do not belong together."
    rest = _without(plain, _context(email, name))
    if rest != plain and len(rest) < MIN_BESIDE_CONTEXT:
        return "This is made of your name, your e-mail address or the name of this application."
    return None


def refuse_weak(password: str, field: str, *, email: str, name: str) -> None:
    """Raises ``Problem`` 422 about ``field``."""
    reason = objection(password, email=email, name=name)
    if reason is not None:
        raise Problem(422, "users.weak_password", reason, errors=[{"field": field, "message": reason}])


def _letters_and_digits(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _unit(text: str) -> str:
    """``abc`` for ``abcabcab``: what ``text`` repeats, or all of it."""
    for length in range(1, len(text) // 2 + 1):
        if all(text[at] == text[at - length] for at in range(length, len(text))):
            return text[:length]
    return text


def _context(email: str, name: str) -> list[str]:
    """The words to take out, longest first, so that a part does not break the whole."""
    pieces = [email, *re.split(r"[@.+_\-]", email), name, *name.split(), *APPLICATION_WORDS]
    words = {_letters_and_digits(piece) for piece in pieces}
    return sorted((word for word in words if len(word) >= 4), key=len, reverse=True)


def _without(text: str, words: Iterable[str]) -> str:
    for word in words:
        text = text.replace(word, "")
    return text


@cache
def _common() -> frozenset[str]:
    text = files("users").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
