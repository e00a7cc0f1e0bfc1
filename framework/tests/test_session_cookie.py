"""The cookie: signed, without personal data, with the attributes that its address allows."""

from http.cookies import SimpleCookie
from typing import Any

import pytest
from framework.sessions import SessionCookie, SessionToken
from framework.settings import Settings
from hypothesis import given
from hypothesis import strategies as st

ELSEWHERE = {
    "database_url": "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere",
    "redis_url": "redis://127.0.0.1:1/0",
    "secret_key": "the key that signs",
    "public_url": "https://seamark.test",
}


def cookie(**settings: Any) -> SessionCookie:
    return SessionCookie(Settings(**ELSEWHERE | settings))


def sent_back(set_cookie: str) -> str:
    """What a browser makes of ``Set-Cookie``: name and value."""
    return set_cookie.partition(";")[0]


SIGNED = sent_back(cookie().write(SessionToken("t" * 43)))


def test_what_was_written_is_read() -> None:
    token = SessionCookie.new_token()
    assert cookie().read(sent_back(cookie().write(token))) == (token, True)


def test_it_is_found_among_others() -> None:
    token = SessionCookie.new_token()
    written = sent_back(cookie().write(token))
    for header in (f"a=1; {written}", f"{written};b=2", f"x{written}; {written}", f" a=b;{written} ; c"):
        assert cookie().read(header) == (token, True), header


def test_by_https_no_other_host_and_no_plain_connection_can_set_or_see_it() -> None:
    (morsel,) = SimpleCookie(cookie().write(SessionCookie.new_token())).values()
    assert morsel.key == "__Host-seamark"
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, True, "Lax", "/")
    assert morsel["domain"] == ""


def test_by_http_it_has_every_attribute_but_secure() -> None:
    (morsel,) = SimpleCookie(cookie(public_url="http://localhost:8000").write(SessionCookie.new_token())).values()
    assert morsel.key == "seamark"
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"]) == ("", True, "Lax", "/")


@pytest.mark.parametrize("public_url", ["https://seamark.test", "http://localhost:8000"])
def test_signing_out_removes_the_same_cookie(public_url: str) -> None:
    mine = cookie(public_url=public_url)
    (written,) = SimpleCookie(mine.write(SessionCookie.new_token())).values()
    (cleared,) = SimpleCookie(mine.clear()).values()
    assert (cleared.value, cleared["max-age"]) == ("", "0")
    for attribute in ("secure", "httponly", "samesite", "path", "domain"):
        assert cleared[attribute] == written[attribute]


def test_it_lives_as_long_as_a_sign_in_may() -> None:
    (morsel,) = SimpleCookie(cookie(session_absolute_hours=2).write(SessionCookie.new_token())).values()
    assert morsel["max-age"] == "7200"


def test_it_is_small_and_holds_nothing_but_version_key_id_session_id_and_signature() -> None:
    written = cookie().write(SessionToken("t" * 43))
    version, _key_id, token, signature = sent_back(written).partition("=")[2].split(".")
    assert (version, token, len(signature)) == ("1", "t" * 43, 43)
    assert len(written) < 256


def test_every_session_id_is_new_and_has_256_bits() -> None:
    tokens = {SessionCookie.new_token().value for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 43 for token in tokens)


def test_the_database_is_told_a_digest_that_the_cookie_does_not_show() -> None:
    token = SessionToken("t" * 43)
    assert len(token.digest) == 32
    assert token.digest.hex() not in cookie().write(token)
    assert token.digest != SessionToken("u" * 43).digest


def test_rotating_the_key_costs_nobody_a_sign_in_and_asks_for_a_new_signature() -> None:
    token = SessionCookie.new_token()
    written = sent_back(cookie(secret_key="the old key").write(token))
    rotated = cookie(secret_key="the new key", secret_key_fallbacks="another,the old key")
    assert rotated.read(written) == (token, False)
    assert rotated.read(sent_back(rotated.write(token))) == (token, True)


def test_a_retired_key_signs_nobody_in() -> None:
    written = sent_back(cookie(secret_key="the old key").write(SessionCookie.new_token()))
    assert cookie(secret_key="the new key").read(written) is None


NAME, VALUE = SIGNED.split("=", 1)
VERSION, KEY_ID, TOKEN, SIGNATURE = VALUE.split(".")


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "...",
        VALUE + ".",
        VALUE + "x",
        "." + VALUE,
        VALUE[:-1],
        VALUE.swapcase(),
        VALUE.replace(".", ","),
        f"2.{KEY_ID}.{TOKEN}.{SIGNATURE}",
        f".{KEY_ID}.{TOKEN}.{SIGNATURE}",
        f"1.{KEY_ID}x.{TOKEN}.{SIGNATURE}",
        f"1..{TOKEN}.{SIGNATURE}",
        f"1.{KEY_ID}.{TOKEN[:-1]}u.{SIGNATURE}",
        f"1.{KEY_ID}..{SIGNATURE}",
        f"1.{KEY_ID}.{TOKEN}.",
        f"1.{KEY_ID}.{TOKEN}.{SIGNATURE}=",
        f"1.{KEY_ID}.{SIGNATURE}.{TOKEN}",
        f'"{VALUE}"',
        f"1.{KEY_ID}.{TOKEN}.é{SIGNATURE}",
    ],
)
def test_whatever_was_tampered_with_is_refused(value: str) -> None:
    assert cookie().read(f"{NAME}={VALUE}") is not None
    assert cookie().read(f"{NAME}={value}") is None


def test_the_last_character_of_the_signature_counts_in_all_its_bits() -> None:
    # Its base64 has two bits to spare: a lenient decoder would take four spellings of one signature.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = [last for last in alphabet if cookie().read(f"{NAME}={VALUE[:-1]}{last}") is not None]
    assert accepted == [VALUE[-1]]


@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_no_header_that_a_client_can_send_is_more_than_refused(header: str) -> None:
    assert cookie().read(header) is None
