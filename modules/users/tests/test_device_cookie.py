"""What the cookie of a known device is, without anybody signing in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from framework.settings import Settings
from pydantic import SecretStr
from users.device_cookie import KEPT, LIFETIME, DeviceCookie

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADA = uuid4()


def value_of(set_cookie: str) -> str:
    return set_cookie.partition(";")[0].partition("=")[2]


@pytest.fixture
def cookie(settings: Settings) -> DeviceCookie:
    return DeviceCookie(settings)


@pytest.fixture
def adas(cookie: DeviceCookie) -> str:
    return value_of(cookie.write("", ADA, NOW))


def test_it_is_out_of_reach_of_scripts_and_other_sites(cookie: DeviceCookie) -> None:
    name_and_value, *attributes = cookie.write("", ADA, NOW).split("; ")
    assert name_and_value.startswith("__Host-seamark-device=1.")
    assert set(attributes) == {"Max-Age=15552000", "Path=/", "HttpOnly", "SameSite=Lax", "Secure"}


def test_without_tls_it_has_a_name_that_browsers_take(make_settings: Callable[..., Settings]) -> None:
    text = DeviceCookie(make_settings(public_url="http://localhost:8000")).write("", ADA, NOW)
    assert text.startswith("seamark-device=1.")
    assert "Secure" not in text


def test_it_makes_the_browser_known_to_its_account_alone(cookie: DeviceCookie, adas: str) -> None:
    assert cookie.device_of(adas, ADA, NOW)
    assert cookie.device_of(adas, uuid4(), NOW) is None
    assert str(ADA) not in adas


def test_each_sign_in_is_another_device(cookie: DeviceCookie, adas: str) -> None:
    again = value_of(cookie.write(adas, ADA, NOW))
    assert again.count("~") == 0
    assert cookie.device_of(again, ADA, NOW) != cookie.device_of(adas, ADA, NOW)


@pytest.mark.parametrize(("age", "known"), [(LIFETIME - timedelta(days=1), True), (LIFETIME, False)])
def test_it_is_forgotten_after_half_a_year_also_where_the_browser_keeps_it(
    cookie: DeviceCookie, adas: str, age: timedelta, known: bool
) -> None:
    assert (cookie.device_of(adas, ADA, NOW + age) is not None) is known


def test_several_people_share_a_browser_and_those_who_signed_in_last_are_known(cookie: DeviceCookie) -> None:
    people = [uuid4() for _ in range(KEPT + 1)]
    value = ""
    for person in people:
        value = value_of(cookie.write(value, person, NOW))
    assert [cookie.device_of(value, person, NOW) is not None for person in people] == [False] + [True] * KEPT
    assert len(value) < 600


@pytest.mark.parametrize(
    "tamper",
    [
        lambda value: "",
        lambda value: value[:-1],
        lambda value: value[:-2] + ("AA" if value[-2:] != "AA" else "BB"),
        lambda value: "2" + value[1:],
        lambda value: value.replace(value.split(".")[2], str(int(value.split(".")[2]) + 1)),
        lambda value: value.replace(value.split(".")[3], "A" * 22),
        lambda value: value.replace(value.split(".")[1], "A" * 8),
        lambda value: "~" * 1000 + value,
        lambda value: "1.é.ü.ö",
        lambda value: "....",
    ],
)
def test_a_forged_one_is_of_nobody_and_is_not_repeated(
    cookie: DeviceCookie, adas: str, tamper: Callable[[str], str]
) -> None:
    forged = tamper(adas)
    assert cookie.device_of(forged, ADA, NOW) is None
    assert "é" not in cookie.write(forged, uuid4(), NOW)


def test_what_another_installation_signed_is_worth_nothing(settings: Settings, cookie: DeviceCookie, adas: str) -> None:
    other = DeviceCookie(
        settings.model_copy(update={"secret_key": SecretStr("another secret of enough length, again")})
    )
    assert other.device_of(adas, ADA, NOW) is None


def test_a_rotated_key_forgets_no_device(settings: Settings, adas: str) -> None:
    new = SecretStr("another secret of enough length, again")
    rotated = DeviceCookie(
        settings.model_copy(update={"secret_key": new, "secret_key_fallbacks": [settings.secret_key]})
    )
    assert rotated.device_of(adas, ADA, NOW)
