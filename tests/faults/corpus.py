"""What an attacker sends to keep a server busy: each below the limit on bodies, so that nothing else refuses it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SIZE = 1_048_576 - 1024
ID = "01900000-0000-7000-8000-000000000000"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request; ``what`` names it in reports."""

    what: str
    method: str
    path: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def repeated(piece: str, size: int = SIZE) -> str:
    return piece * (size // len(piece.encode()))


def documents() -> Iterator[tuple[str, str]]:
    """JSON documents that are hard to read, whatever a route wants."""
    yield "deep lists", repeated("[")
    yield "deep lists that end", repeated("[", SIZE // 2) + repeated("]", SIZE // 2)
    yield "deep objects", repeated('{"a":')
    yield "numbers", f"[{repeated('1,')}1]"
    yield "fractions", f"[{repeated('1.5e300,')}1]"
    yield "huge integer", repeated("9")
    yield "huge integers", f"[{repeated('9' * 4299 + ',')}1]"
    yield "huge fraction", f"{repeated('9')}.5e-900"
    yield "strings", f"[{repeated('"",')}1]"
    yield "objects", f"[{repeated('{},')}1]"
    yield "one key over and over", f'{{{repeated('"a":1,')}"a":1}}'
    yield "many keys", "{" + ",".join(f'"k{number}":1' for number in range(95_000)) + "}"
    yield "escapes", f'"{repeated("\\ud83d\\ude00")}"'
    yield "not UTF-8", "\udcff" * SIZE
    yield "blanks", repeated(" ")


def hostile(size: int) -> Iterator[tuple[str, str]]:
    """Strings that backtracking expressions, normalisation, splitting and case folding take long for."""
    yield "letters", repeated("a", size)
    yield "at signs", repeated("@", size)
    yield "e-mail with dots", "a@" + repeated("a.", size - 2)
    yield "dots and an at sign", repeated("a.", size - 2) + "@"
    yield "blanks", "a" + repeated(" ", size - 2) + "a"
    yield "tabs", repeated("\t", size)
    yield "ligatures that grow", repeated("\ufdfa", size)
    yield "combining marks", "e" + repeated("\u0315\u0300", size - 1)
    yield "sharp s", repeated("ß", size)
    yield "percent signs", repeated("%", size)
    yield "quotes and backslashes", repeated("\\'", size)
    yield "digits", repeated("9", size)
    yield "commas", repeated(",", size)
    yield "slashes", repeated("/", size)
    yield "line ends", repeated("\r\n", size)


def values(size: int) -> Iterator[tuple[str, Any]]:
    """For one field of an object that a route wants."""
    yield from hostile(size)
    yield "list of strings", ["a"] * (size // 6)
    yield "list of different strings", [f"{number}" for number in range(size // 12)]
    yield "list of numbers", [1] * (size // 4)
    yield "list of lists", [[]] * (size // 5)
    yield "object", {f"{number}": 1 for number in range(size // 14)}
    yield "integer", int("9" * 4000)


def forms() -> Iterator[tuple[str, str, bytes]]:
    """Bodies of other kinds, by content type."""
    yield "fields", FORM, repeated("a=1&").encode()
    yield "empty fields", FORM, repeated("&").encode()
    yield "one long field", FORM, b"a=" + repeated("%41").encode()
    part = '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n'
    yield "parts", "multipart/form-data; boundary=b", (repeated(part) + "--b--\r\n").encode()
    file = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n1\r\n'
    yield "files", "multipart/form-data; boundary=b", (repeated(file) + "--b--\r\n").encode()
    yield "line ends", "multipart/form-data; boundary=b", ("--b\r\n" + repeated("\r\n")).encode()
    yield "dashes", "multipart/form-data; boundary=-", repeated("-").encode()
    header = "--b\r\n" + repeated("x-a: b\r\n")
    yield "headers of a part", "multipart/form-data; boundary=b", header.encode()
    long = f'--b\r\ncontent-disposition: form-data; name="{repeated("a;", SIZE - 200)}"\r\n\r\n1\r\n--b--\r\n'
    yield "parameters of a part", "multipart/form-data; boundary=b", long.encode()


def headers(size: int) -> Iterator[tuple[str, dict[str, str]]]:
    for name in ("cookie", "accept", "x-correlation-id", "idempotency-key", "user-agent", "if-none-match", "forwarded"):
        for what, piece in (("semicolons", ";"), ("pairs", "a=b;"), ("commas", "a,"), ("quotes", '"')):
            yield f"{name} of {what}", {name: repeated(piece, size)}
    yield "many headers", {f"x-{number}": "1" for number in range(size // 12)}
    yield "session cookies", {"cookie": repeated("seamark=1.a.b.c;", size)}
