import pytest
from users.email_address import normalise


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com\n", "ada@example.com"),
        ("admin@localhost", "admin@localhost"),
        ("ada+news@intranet.local", "ada+news@intranet.local"),
        ("JÖRG@bücher.example", "jörg@bücher.example"),
        ("e\u0301va@example.com", "éva@example.com"),
    ],
)
def test_addresses_are_stored_in_one_form(typed: str, stored: str) -> None:
    assert normalise(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@home@example.com",
        "ada lovelace@example.com",
        "Ada <ada@example.com>",
        "ada@example.com,bob@example.com",
        "a\x00da@example.com",
        "ada\u200b@example.com",
        "ada@example.com\r\nBcc: bob@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "e" * 251,
        # Composed, a megabyte of these would take the server minutes.
        "e" + "\u0315\u0300" * 500_000 + "@example.com",
    ],
)
def test_what_cannot_be_an_address_is_refused(typed: str) -> None:
    assert normalise(typed) is None
