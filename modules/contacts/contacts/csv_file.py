"""An uploaded CSV file (RFC 4180): what can be said of it at once, and its rows, read from any place on."""

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from framework.problems import Problem

BLOCK = 1 << 18
REQUIRED = ("name", "email")
COLUMNS = (*REQUIRED, "phone", "organisation", "notes", "tags")
# What rejected.csv adds: that file can be mended and imported as it is.
IGNORED = ("line", "reason")
UTF_8, WINDOWS, LATIN_1 = "utf-8", "windows-1252", "latin-1"
_control_in_latin_1 = re.compile(rb"[\x80-\x9f]").search
SEPARATORS = {";": "semicolons", "\t": "tabs"}
LONGEST_ROW = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row begins: bytes from the beginning of the file, and the number of its line, from 1."""

    position: int
    line: int


@dataclass(frozen=True, slots=True)
class CsvFile:
    """``columns`` in the file's order; ``rows`` is where the first row after the header begins."""

    encoding: str
    size: int
    columns: list[str]
    rows: Place


@dataclass(frozen=True, slots=True)
class Row:
    """``cells`` as they stand in the file; with a ``problem``, the one cell is the line that could not be read."""

    place: Place
    next: Place
    cells: list[str]
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        """As the last lines of a sheet often are."""
        return not any(cell.strip() for cell in self.cells)


def inspect(file: BinaryIO) -> CsvFile:
    """Reads all of ``file``, a block at a time. Raises ``Problem`` 422 for what cannot be imported at all."""
    head = file.read(BLOCK)
    _refuse_other_formats(head)
    encoding, size = _encoding(file, head)
    begin = Place(len(BOM_UTF8) if head.startswith(BOM_UTF8) else 0, 1)
    rows = (row for row in read_rows(head[begin.position :], begin, encoding, final=True) if not row.is_blank)
    header = next(rows, None)
    if header is None:
        raise Problem(422, "contacts.import_empty", "The file is empty.")
    if header.problem:
        raise Problem(422, "contacts.import_not_csv", f"The first line {header.problem}")
    columns = _columns(header.cells)
    if next(rows, None) is None:
        raise Problem(422, "contacts.import_empty", "The file has a header and no rows.")
    return CsvFile(encoding, size, columns, header.next)


def _refuse_other_formats(head: bytes) -> None:
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise Problem(
            422, "contacts.import_encoding", "The file is encoded in UTF-16. Save it as “CSV UTF-8” and try again."
        )
    if head.startswith(b"PK\x03\x04"):
        raise Problem(
            422,
            "contacts.import_not_csv",
            "The file is a workbook or an archive. Save it as “CSV UTF-8” and try again.",
        )


def _encoding(file: BinaryIO, head: bytes) -> tuple[str, int]:
    """UTF-8 when all of the file is, else Latin-1 or, as browsers read that, Windows-1252 (WHATWG Encoding); and the size."""
    utf_8, windows = _Decodable(UTF_8), _Decodable(WINDOWS)
    size, controls = 0, False
    block = head
    while block:
        if b"\0" in block:
            raise Problem(422, "contacts.import_not_csv", "The file is not text. Save it as “CSV UTF-8” and try again.")
        utf_8.feed(block)
        windows.feed(block)
        controls = controls or _control_in_latin_1(block) is not None
        size += len(block)
        block = file.read(BLOCK)
    utf_8.feed(b"", final=True)
    return UTF_8 if utf_8 else WINDOWS if windows and controls else LATIN_1, size


class _Decodable:
    """Whether the blocks fed so far are text in this encoding."""

    def __init__(self, encoding: str) -> None:
        self._decode = getincrementaldecoder(encoding)().decode
        self._holds = True

    def feed(self, block: bytes, *, final: bool = False) -> None:
        try:
            if self._holds:
                self._decode(block, final)
        except UnicodeDecodeError:
            self._holds = False

    def __bool__(self) -> bool:
        return self._holds


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    missing = [name for name in REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*COLUMNS, *IGNORED)]
    twice = [name for name in COLUMNS if columns.count(name) > 1]
    faults = [
        f"{what}: {', '.join(name or '(no name)' for name in names)}."
        for what, names in (("Missing", missing), ("Unknown", unknown), ("More than once", twice))
        if names
    ]
    if faults:
        wrong = [name for sign, name in SEPARATORS.items() if len(cells) == 1 and sign in cells[0]]
        hint = f" The columns are separated by {wrong[0]}; they must be separated by commas." if wrong else ""
        expected = f"Expected are {', '.join(COLUMNS)}; all but {' and '.join(REQUIRED)} may be left out."
        raise Problem(422, "contacts.import_header", f"The columns are not right. {' '.join(faults)}{hint} {expected}")
    return columns


async def read_file(fetch: Callable[[int], Awaitable[bytes]], file: CsvFile, place: Place) -> AsyncGenerator[Row]:
    """The rows from ``place`` on. ``fetch`` gives some bytes from a position on; not many more are held than it gives."""
    data = b""
    while place.position < file.size:
        known = place.position + len(data)
        too_long = len(data) > LONGEST_ROW
        begin = place.position
        for row in read_rows(data, place, file.encoding, final=too_long or known == file.size):
            yield row
            place = row.next
            if too_long:
                break
        data = data[place.position - begin :]
        if not too_long and known < file.size:
            data += await fetch(known)


def read_rows(data: bytes, begin: Place, encoding: str, *, final: bool) -> Iterator[Row]:
    """The rows that end within ``data``, which lies at ``begin`` in the file and is the rest of it when ``final``.

    A row that cannot be read is one line with a ``problem``: reading goes on at the next line, so that a quote which
    nobody closed does not swallow the rows behind it.
    """
    lines = data.splitlines(keepends=True)
    if lines and not final and not lines[-1].endswith(b"\n"):
        lines.pop()  # it goes on, or its CR has an LF
    place, first = begin, 0
    while first < len(lines):
        reader = csv.reader((str(lines[i], encoding) for i in range(first, len(lines))), strict=True)
        taken = 0
        try:
            for cells in reader:
                behind = _behind(place, lines[first + taken : first + reader.line_num])
                yield Row(place, behind, cells)
                place, taken = behind, reader.line_num
        except csv.Error as error:
            if not final and first + reader.line_num == len(lines):
                return  # perhaps only because its end is not here yet
            first += taken
            behind = _behind(place, lines[first : first + 1])
            text = str(lines[first], encoding).rstrip("\r\n")
            yield Row(place, behind, [text], f"is not valid CSV ({error}). Is a quote not closed?")
            place = behind
            first += 1
        else:
            return


def _behind(place: Place, lines: list[bytes]) -> Place:
    return Place(place.position + sum(map(len, lines)), place.line + len(lines))
