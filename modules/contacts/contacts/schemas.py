"""What the API takes and gives. An import validates its rows by the same model."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from contacts.tables import ImportStatus

TAG_SEPARATOR = ";"


_unreadable = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]").search


def _one_line(value: Any) -> Any:
    """Any run of white space is one space."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _lines(value: Any) -> Any:
    return "\n".join(value.strip().splitlines()) if isinstance(value, str) else value


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _readable[T: str | None](value: T) -> T:
    if value is not None and _unreadable(value):
        raise ValueError("Contains characters that cannot be read.")
    return value


def _email(value: str) -> str:
    """As RFC 5321 and 6531 have it; nothing is asked of the network. Domains under ``.test`` are for tests (RFC 2606)."""
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


def _distinct(tags: list[str]) -> list[str]:
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(tag.casefold(), tag)
    return list(first.values())


OneLine = BeforeValidator(_one_line)
Lines = BeforeValidator(_lines)
NoneIfEmpty = BeforeValidator(_none_if_empty)
Readable = AfterValidator(_readable)

# Further right is further out: white space goes first, then the length counts.
Name = Annotated[str, Field(min_length=1, max_length=200), OneLine, Readable]
Email = Annotated[str, Field(min_length=1, max_length=254), OneLine, Readable, AfterValidator(_email)]
Phone = Annotated[str | None, Field(max_length=50), NoneIfEmpty, OneLine, Readable]
OrganisationName = Annotated[str | None, Field(max_length=200), NoneIfEmpty, OneLine, Readable]
Notes = Annotated[str | None, Field(max_length=10_000), NoneIfEmpty, Lines, Readable]
Tag = Annotated[str, Field(min_length=1, max_length=50, pattern=f"^[^{TAG_SEPARATOR}]*$"), OneLine, Readable]
TagList = Annotated[list[Tag], Field(max_length=20), AfterValidator(_distinct)]


class ContactFields(BaseModel):
    """What people write. An empty text is the same as none."""

    name: Name
    email: Email
    phone: Phone = None
    organisation: OrganisationName = None
    notes: Notes = None
    tags: TagList = []


class ContactChange(ContactFields):
    """Fields that are left out stay. ``version`` is the one that was read; when it is not the latest, the answer is 409."""

    version: int
    name: Name = ""
    email: Email = ""


class ContactItem(BaseModel):
    id: UUID
    name: str
    email: str
    phone: str | None
    organisation: str | None
    notes: str | None
    tags: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class OrganisationItem(BaseModel):
    id: UUID
    name: str
    contacts: int


class TagItem(BaseModel):
    name: str
    contacts: int


class Tags(BaseModel):
    items: list[TagItem]


class ImportItem(BaseModel):
    """``processed`` rows are those created, updated and rejected; ``total`` is ``null`` until the rows are counted."""

    id: UUID
    filename: str
    status: ImportStatus
    processed: int
    total: int | None
    created: int
    updated: int
    rejected: int
    encoding: str
    message: str | None
    started_by: UUID | None
    created_at: datetime
    finished_at: datetime | None


class ImportStarted(BaseModel):
    id: UUID
