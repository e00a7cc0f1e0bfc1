"""The reader of uploaded files, beside Python's own: any chunks, any steps, the same rows."""

import csv
from io import BytesIO, StringIO

import pytest
from contacts.csv_cells import encode, guard, unguard
from contacts.csv_file import LONGEST_ROW, CsvFile, Place, Row, inspect, read_file
from framework.problems import Problem
from hypothesis import given
from hypothesis import strategies as st

CELLS = st.text(st.sampled_from(list("ab\",;'=+é€\r\n ")), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=12)


async def read(data: bytes, *, chunk: int = 1 << 18, step: int = 1_000_000, encoding: str = "utf-8") -> list[Row]:
    """The rows of ``data``, begun anew after every ``step`` rows from where the last one ended."""
    file = CsvFile(encoding, len(data), [], Place(0, 1))
    rows: list[Row] = []
    place = file.rows

    async def fetch(position: int) -> bytes:
        return data[position : (position // chunk + 1) * chunk]

    while place.position < len(data):
        taken = 0
        async for row in read_file(fetch, file, place):
            rows.append(row)
            taken += 1
            if taken == step:
                break
        place = rows[-1].next
    return rows


@given(rows=ROWS, ending=st.sampled_from(["\n", "\r\n", "\r"]), chunk=st.integers(1, 40), step=st.integers(1, 5))
async def test_rows_are_those_of_the_csv_module_whatever_the_chunks_and_steps(
    rows: list[list[str]], ending: str, chunk: int, step: int
) -> None:
    text = StringIO(newline="")
    csv.writer(text, lineterminator=ending).writerows(rows)
    expected = list(csv.reader(StringIO(text.getvalue(), newline=""), strict=True))

    found = await read(text.getvalue().encode(), chunk=chunk, step=step)

    assert [row.cells for row in found] == expected
    assert not any(row.problem for row in found)


async def test_a_row_knows_the_line_it_begins_on() -> None:
    found = await read(b'a,b\r\n"two\r\nlines",c\n\nd,e')

    assert [(row.place.line, row.cells) for row in found] == [
        (1, ["a", "b"]),
        (2, ["two\r\nlines", "c"]),
        (4, []),
        (5, ["d", "e"]),
    ]


@pytest.mark.parametrize("chunk", [3, 1 << 18])
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('"never closed,x', "unexpected end of data"),
        ('"closed"early,x', "',' expected after '\"'"),
        ("x" * 140_000, "field larger than field limit"),
    ],
)
async def test_a_line_that_is_no_csv_costs_no_other_line(bad: str, reason: str, chunk: int) -> None:
    found = await read(f"a,b\n{bad}\nc,d\ne,f\n".encode(), chunk=max(chunk, len(bad) // 10))

    assert [row.cells for row in found if not row.problem] == [["a", "b"], ["c", "d"], ["e", "f"]]
    [problem] = [row for row in found if row.problem]
    assert (problem.place.line, problem.cells) == (2, [bad])
    assert reason in problem.problem


async def test_a_line_without_an_end_is_not_held_as_a_whole() -> None:
    found = await read(b"x" * (3 * LONGEST_ROW))

    assert all(row.problem for row in found)
    assert max(len(row.cells[0]) for row in found) < 2 * LONGEST_ROW


@given(cell=CELLS)
def test_a_guarded_cell_is_no_formula_and_comes_back_as_it_was(cell: str) -> None:
    assert not guard(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguard(guard(cell)) == cell


def test_only_what_a_spreadsheet_would_run_is_guarded() -> None:
    assert encode([["=1+1", "+44 20", "@x", "-1", "'=", "plain", "'tis", None, 7]]) == (
        b"'=1+1,'+44 20,'@x,'-1,''=,plain,'tis,,7\r\n"
    )


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("name,email\nÉmile,e@example.com".encode(), "utf-8"),
        ("\ufeffname,email\nÉmile,e@example.com".encode(), "utf-8"),
        ("name,email\nÉmile,e@example.com".encode("latin-1"), "latin-1"),
        ("name,email\n“Émile”,e@example.com".encode("windows-1252"), "windows-1252"),
        (b"name,email\n\xe9\x81,e@example.com", "latin-1"),
        (b"name,email\na,e@example.com" + b" " * 300_000 + "é".encode("latin-1"), "latin-1"),
        (b"name,email\na,e@example.com\n\xc3", "latin-1"),
    ],
)
def test_the_encoding_is_that_of_the_whole_file(content: bytes, encoding: str) -> None:
    found = inspect(BytesIO(content))

    assert (found.encoding, found.size, found.columns) == (encoding, len(content), ["name", "email"])


def test_the_rows_begin_behind_the_byte_order_mark_and_the_header() -> None:
    content = "\ufeff\n name , EMAIL\r\nAnna,a@example.com\n".encode()

    assert inspect(BytesIO(content)).rows == Place(content.index(b"Anna"), 3)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "contacts.import_empty", "empty"),
        (b"\xef\xbb\xbf\r\n \n", "contacts.import_empty", "empty"),
        (b"name,email\n\n,,\n", "contacts.import_empty", "no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0", "contacts.import_not_csv", "not text"),
        (b"name,email\na,b@example.com\n\0", "contacts.import_not_csv", "not text"),
        (b"PK\x03\x04workbook", "contacts.import_not_csv", "workbook"),
        ("name,email\n".encode("utf-16"), "contacts.import_encoding", "UTF-16"),
        (b'"name,email\n', "contacts.import_not_csv", "quote"),
        (b"name,phone\na,1\n", "contacts.import_header", "Missing: email."),
        (b"name,e-mail,city\na,b,c\n", "contacts.import_header", "Unknown: e-mail, city."),
        (b"name,email,,\na,b,c,d\n", "contacts.import_header", "Unknown: (no name)"),
        (b"name,email,Name\na,b,c\n", "contacts.import_header", "More than once: name."),
        (b"name;email\na;b\n", "contacts.import_header", "semicolons"),
        (b"name\temail\na\tb\n", "contacts.import_header", "tabs"),
        (b"a,b@example.com\n", "contacts.import_header", "Expected are name, email, phone"),
    ],
)
def test_what_cannot_be_imported_is_refused_at_once(content: bytes, code: str, says: str) -> None:
    with pytest.raises(Problem) as refused:
        inspect(BytesIO(content))

    assert (refused.value.status, refused.value.code) == (422, code)
    assert says in refused.value.detail
