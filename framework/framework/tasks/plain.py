"""Any value as JSON that Postgres takes: no NUL, no half of a surrogate pair, no number that is none."""

import math
import re
from typing import Any

LONGEST_TEXT = 500
DEEPEST = 4
UNSTORABLE = "Postgres stores neither a NUL in text nor bytes that are no UTF-8"
_has_nul = re.compile(r"(?<!\\)(?:\\\\)*\\u0000").search


def holds_nul(json: str) -> bool:
    """Whether a text in it has a NUL, which JSON may and ``jsonb`` may not."""
    return "\\u0000" in json and _has_nul(json) is not None


def text(value: str, longest: int = LONGEST_TEXT) -> str:
    cut = value if len(value) <= longest else f"{value[:longest]}…"
    return cut.replace("\0", "").encode(errors="replace").decode()


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """Of dictionaries, lists, texts that are cut, numbers and ``None``; what else there is, as its ``repr``."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return text(value)
        case dict() if depth:
            return {text(str(name)): plain(inner, depth - 1) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [plain(inner, depth - 1) for inner in value]
        case _:
            return text(repr(value))
