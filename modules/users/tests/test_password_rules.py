import pytest
from users.password_rules import objection


def refused(password: str) -> str | None:
    return objection(password, email="ada.lovelace@analytical.example", name="Ada Byron King")


@pytest.mark.parametrize(
    "password",
    [
        "tiny wheel of cheddar",
        "Grüße aus dem Süden",
        "four words all lower",
        "x9$kTq!vR2#mZ8@p",
        "🐘🦒🦓🐅🐆🦏🐪🦘🐂🐖🐏🐑🐐🦌🐓",
        "!@#$%^&*()_+{}|:",
        "my password is not on any list",
        "ada likes green bicycles",
        "  leading and trailing  ",
        ("one of exactly 256 characters " * 9)[:256],
    ],
)
def test_long_passwords_of_any_characters_are_taken(password: str) -> None:
    assert refused(password) is None


@pytest.mark.parametrize("password", ["", "short", "fourteen chars"])
def test_short_passwords_are_refused(password: str) -> None:
    assert "at least 15" in (refused(password) or "")


def test_a_password_is_refused_rather_than_cut() -> None:
    assert "at most 256" in (refused("tiny wheel of cheddar " * 12) or "")


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "123451234512345",
        "1234567890123456",
        "abcdefghijklmnop",
        "zyxwvutsrqponmlk",
        "qwertyuiopasdfgh",
        "QWERTYUIOP-asdfghjkl",
    ],
)
def test_patterns_are_refused(password: str) -> None:
    assert "one pattern" in (refused(password) or "")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "CorrectHorseBatteryStaple",
        "passwordpassword",
        "Password-Password-2026",
        "iloveyouiloveyouiloveyou",
        "1q2w3e4r5t6y7u8i",
        "the quick brown fox 123",
    ],
)
def test_common_passwords_are_refused_however_they_are_spelt(password: str) -> None:
    assert "tried first" in (refused(password) or "")


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@analytical.example",
        "AdaByronKing2026",
        "seamark-administrator",
        "lovelace-analytical-1",
        "Seamark Password 1!",
    ],
)
def test_passwords_made_of_context_are_refused(password: str) -> None:
    assert "your name" in (refused(password) or "")
