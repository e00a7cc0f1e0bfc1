"""What a row of a file says: a contact, or why not."""

from collections.abc import Sequence

from framework.problems import message
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contacts.schemas import TAG_SEPARATOR, ContactFields

REASONS = {
    "string_too_short": "is missing",
    "string_too_long": "has more than {max_length} characters",
    "too_long": "are more than {max_length}",
}


class RejectedError(Exception):
    """The row is no contact; the text says why, for the person who sent the file."""


def contact_of(columns: Sequence[str], cells: Sequence[str]) -> ContactFields:
    """Only the fields of ``columns`` are set. Raises ``RejectedError`` with everything that is wrong."""
    if len(cells) != len(columns):
        raise RejectedError(f"has {len(cells)} columns where the header has {len(columns)}")
    values: dict[str, object] = dict(zip(columns, cells, strict=True))
    if isinstance(tags := values.get("tags"), str):
        values["tags"] = [tag for tag in tags.split(TAG_SEPARATOR) if tag.strip()]
    try:
        return ContactFields.model_validate(values)
    except ValidationError as invalid:
        raise RejectedError("; ".join(map(_reason, invalid.errors(include_url=False)))) from None


def _reason(error: ErrorDetails) -> str:
    text = REASONS.get(error["type"])
    field = error["loc"][0]
    return f"{field} {text.format_map(error['ctx'])}" if text else f"{field}: {message(error)}"
