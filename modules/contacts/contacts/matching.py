"""How texts are compared, sorted and searched: without case and without accents, the same in every database."""

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

words_of = re.compile(r"[^\W_]+").findall


def fold(text: str) -> str:
    """``Ångström`` and ``angstrom`` become one."""
    if text.isascii():
        return text.lower()
    return "".join(sign for sign in normalize("NFKD", text) if not combining(sign)).casefold()


def search_text(texts: Iterable[str | None], phone: str | None) -> str:
    """The words of ``texts`` once each; a phone number also without its gaps, as people type it."""
    words = [word for text in (*texts, phone) if text for word in words_of(fold(text))]
    digits = re.sub(r"\D", "", phone or "")
    return " ".join(dict.fromkeys([*words, digits])).strip()


def search_query(text: str) -> str:
    """For ``to_tsquery``: every word of ``text`` must begin a word of the contact, so ``ann`` finds Anna.

    A text without any word finds nothing.
    """
    return " & ".join(f"{word}:*" for word in words_of(fold(text)))
