"""Any value as JSON that Postgres takes: no NUL, no half of a surrogate pair, no number that is none."""

import math
from typing import Any

LONGEST_TEXT = 500
DEEPEST = 4


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
