"""Cells that a spreadsheet would run as a formula are written as text, and read back as they were (OWASP, CSV Injection).

One `'` goes in front of such a cell, and of one that looks as if it already had one, so that nothing is lost both ways.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

_formula = re.compile(r"'*[=+\-@\t\r]").match


def guard(cell: str) -> str:
    return f"'{cell}" if _formula(cell) else cell


def unguard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _formula(cell) else cell


def encode(rows: Iterable[Sequence[object]]) -> bytes:
    """Lines of CSV in UTF-8 (RFC 4180), without a byte order mark. ``None`` is an empty cell."""
    text = StringIO(newline="")
    csv.writer(text).writerows([guard(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode()
