"""What counts as an idempotency key (draft-ietf-httpapi-idempotency-key-header, section 2.1)."""

import pytest
from framework.idempotency.key import HEADER, read_key
from framework.problems import Problem


def read(*values: bytes) -> bytes | None:
    return read_key([(b"accept", b"*/*"), *((HEADER, value) for value in values)])


def test_a_request_without_the_header_has_none() -> None:
    assert read() is None


@pytest.mark.parametrize(
    "value",
    [
        b'"8e03978e-40d5-43dd-bc93-6894a57f9324"',
        b"8e03978e-40d5-43dd-bc93-6894a57f9324",
        b'"with a space, a comma; and more"',
        b"order/7:2026-11-21",
        b"x" * 255,
        b'"' + b"x" * 255 + b'"',
    ],
)
def test_a_string_is_one_and_so_are_bare_characters(value: bytes) -> None:
    digest = read(value)
    assert digest is not None
    assert len(digest) == 32


def test_quotes_make_no_difference() -> None:
    assert read(b'"8e03978e-40d5"') == read(b"8e03978e-40d5")


def test_an_escaped_quote_is_a_quote() -> None:
    assert read(rb'"say \"so\" \\"') != read(rb'"say \"so\" \\\\"')


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b'""',
        b"seven77",
        b"x" * 256,
        b'"' + b"x" * 256 + b'"',
        b'"unfinished',
        b'unbegun8"',
        b"two words",
        b"one-item,two-items",
        b'"with-parameters";a=1',
        rb'"bad \escape"',
        "schlüssel".encode(),
        b"tab\tinside",
    ],
)
def test_anything_else_is_refused(value: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read(value)
    assert (refused.value.status, refused.value.code) == (400, "idempotency.invalid_key")


def test_two_headers_are_refused() -> None:
    with pytest.raises(Problem, match="invalid_key"):
        read(b"8e03978e-40d5", b"8e03978e-40d5")
