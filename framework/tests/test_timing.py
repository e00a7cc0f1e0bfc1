"""Where clocks change, a time of day comes once, and every hour comes each hour."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from framework.tasks.timing import EPOCH, Cron, Every, Timing, in_words
from hypothesis import given, settings
from hypothesis import strategies as some

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CHANGES = {
    BERLIN: (utc("2026-03-29T01:00"), utc("2026-10-25T01:00")),
    NEW_YORK: (utc("2026-03-08T07:00"), utc("2026-11-01T06:00")),
    LORD_HOWE: (utc("2026-10-03T15:30"), utc("2026-04-04T15:00")),
    "UTC": (utc("2026-03-29T01:00"),),
}
"""When their clocks change in 2026."""


def slots(timing: Timing, after: str, until: str) -> list[str]:
    """Hours and minutes, UTC."""
    found = takewhile(lambda slot: slot <= utc(until), timing.after(utc(after)))
    return [f"{slot:%H:%M}" for slot in found]


def next_slots(timing: Timing, after: datetime, number: int) -> list[datetime]:
    return list(islice(timing.after(after), number))


@pytest.mark.parametrize(
    ("expression", "timezone", "night", "expected"),
    [
        pytest.param("30 2 * * *", BERLIN, "2026-03-29", ["01:00"], id="in the hour left out: when the clock jumps"),
        pytest.param("15,45 2 * * *", BERLIN, "2026-03-29", ["01:00"], id="two in the hour left out: one"),
        pytest.param("*/20 2 * * *", BERLIN, "2026-03-29", ["01:00"], id="also with a star among the minutes"),
        pytest.param("0 2,3 * * *", BERLIN, "2026-03-29", ["01:00"], id="with one at the very jump: one"),
        pytest.param("30 2 * * *", BERLIN, "2026-10-25", ["00:30"], id="in the hour that comes twice: the first time"),
        pytest.param("0 */2 * * *", BERLIN, "2026-10-25", ["00:00", "03:00"], id="every two hours by the clock: once"),
        pytest.param("0 * * * *", BERLIN, "2026-03-29", ["00:00", "01:00", "02:00", "03:00"], id="hourly in spring"),
        pytest.param("0 * * * *", BERLIN, "2026-10-25", ["00:00", "01:00", "02:00", "03:00"], id="hourly in autumn"),
        pytest.param("30 0-23 * * *", BERLIN, "2026-10-25", ["00:30", "01:30", "02:30"], id="hourly, written out"),
        pytest.param("30 1 * * *", "UTC", "2026-03-29", ["01:30"], id="no change of clocks"),
    ],
)
def test_a_night_when_the_clocks_of_berlin_change(
    expression: str, timezone: str, night: str, expected: list[str]
) -> None:
    before = datetime.fromisoformat(night) - timedelta(minutes=1)
    assert slots(Cron(expression, timezone), before.isoformat(), f"{night}T03:00") == expected


def test_a_clock_that_changes_by_half_an_hour() -> None:
    daily = Cron("15 2 * * *", LORD_HOWE)
    # 2:15 is left out: 2:00 becomes 2:30, which is 15:30 UTC. The day before it was 15:45 UTC, the day after 15:15.
    assert slots(daily, "2026-10-02T12:00", "2026-10-05T12:00") == ["15:45", "15:30", "15:15"]
    twice = Cron("45 1 * * *", LORD_HOWE)
    assert slots(twice, "2026-04-03T12:00", "2026-04-06T12:00") == ["14:45", "14:45", "15:15"]
    hourly = Cron("30 * * * *", LORD_HOWE)
    assert slots(hourly, "2026-10-03T14:00", "2026-10-03T17:00") == ["15:00", "15:30", "16:30"]


def test_asked_in_the_hour_that_comes_twice_it_does_not_look_back() -> None:
    [following] = next_slots(Cron("30 2 * * *", BERLIN), utc("2026-10-25T01:10"), 1)
    assert following == utc("2026-10-26T01:30")


def test_a_time_of_day_stays_one_while_the_offset_changes() -> None:
    found = next_slots(Cron("0 3 * * *", NEW_YORK), utc("2026-03-07T00:00"), 3)
    assert [f"{slot:%d %H}" for slot in found] == ["07 08", "08 07", "09 07"]


fields = some.tuples(
    some.sampled_from(["0", "30", "59", "15,45", "*/20", "10-12", "*"]),
    some.sampled_from(["*", "0-23", "0", "1", "2", "3", "1,2", "*/2", "0-4/2", "22-23"]),
    some.just("*"),
    some.just("*"),
    some.sampled_from(["*", "SUN", "MON-FRI"]),
)
places = some.sampled_from([(zone, change) for zone, changes in CHANGES.items() for change in changes])


@settings(deadline=None, max_examples=100)
@given(fields, places, some.integers(-36 * 60, 0), some.integers(0, 59))
def test_slots_are_those_that_counting_all_minutes_finds(
    fields: tuple[str, ...], place: tuple[str, datetime], minutes: int, seconds: int
) -> None:
    timezone, change = place
    start = change + timedelta(minutes=minutes, seconds=seconds)
    end = start + timedelta(days=3)
    found = list(takewhile(lambda slot: slot <= end, Cron(" ".join(fields), timezone).after(start)))
    assert found == sorted(counted(fields, ZoneInfo(timezone), start, end))


def counted(fields: tuple[str, ...], zone: ZoneInfo, start: datetime, end: datetime) -> set[datetime]:
    """Every matching minute: of elapsed time when all hours match, else of the days' clocks."""
    hours, minutes = numbers(fields[1], 24), numbers(fields[0], 60)
    first = start.astimezone(zone).date() - timedelta(days=1)
    if len(hours) == 24:
        began = datetime.combine(first, time(), UTC)
        moments = {began + number * MINUTE for number in range(7 * 24 * 60)}
        found = {moment for moment in moments if moment.astimezone(zone).minute in minutes}
    else:
        found = {
            first_moment(datetime.combine(day, time(hour, minute)), zone)
            for day in (first + timedelta(days=number) for number in range(7))
            if on_weekday(fields[4], day)
            for hour in hours
            for minute in minutes
        }
    return {moment for moment in found if start < moment <= end and on_weekday(fields[4], moment.astimezone(zone))}


def numbers(field: str, limit: int) -> set[int]:
    found: set[int] = set()
    for term in field.split(","):
        ends, _, step = term.partition("/")
        low, _, high = ends.replace("*", f"0-{limit - 1}").partition("-")
        found |= set(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


def on_weekday(field: str, day: date) -> bool:
    return {"*": True, "SUN": day.weekday() == 6, "MON-FRI": day.weekday() < 5}[field]


def first_moment(clock: datetime, zone: ZoneInfo) -> datetime:
    """When clocks first show that, or pass over it."""
    here = clock.replace(tzinfo=zone)
    moment = here.astimezone(UTC) - timedelta(hours=2)
    while moment.astimezone(zone).replace(tzinfo=None) < clock:
        moment += MINUTE
    return moment


@settings(deadline=None)
@given(fields, places, some.integers(-48 * 60, 48 * 60), some.integers(0, 59_999_999))
def test_slots_are_the_same_whenever_one_begins_to_count(
    fields: tuple[str, ...], place: tuple[str, datetime], minutes: int, microseconds: int
) -> None:
    timing = Cron(" ".join(fields), place[0])
    early = place[1] - timedelta(days=3)
    late = early + timedelta(days=3, minutes=minutes, microseconds=microseconds)
    ahead = (slot for slot in timing.after(early) if slot > late)
    assert list(islice(ahead, 5)) == next_slots(timing, late, 5)


@given(some.integers(1, 10**8), some.timedeltas(timedelta(0), timedelta(days=40_000)))
def test_an_interval_goes_on_from_1970_whoever_counts(seconds: int, age: timedelta) -> None:
    moment, interval = EPOCH + age, timedelta(seconds=seconds)
    first, second = next_slots(Every(interval), moment, 2)
    assert moment < first <= moment + interval
    assert second - first == interval
    assert (first - EPOCH) % interval == timedelta(0)


@pytest.mark.parametrize(
    ("timing", "text", "words"),
    [
        (Every(timedelta(minutes=5)), "every 5 minutes", "Every 5 minutes"),
        (Every(timedelta(hours=1)), "every hour", "Every hour"),
        (Every(timedelta(hours=36)), "every 36 hours", "Every 36 hours"),
        (Every(timedelta(days=1)), "every day", "Every day"),
        (Every(timedelta(seconds=61)), "every 61 seconds", "Every 61 seconds"),
        (Cron("0 3 * * *", BERLIN), "0 3 * * * Europe/Berlin", "At 03:00 every day, Europe/Berlin"),
        (Cron("*/5  9-17 * * MON-FRI", "UTC"), "*/5 9-17 * * MON-FRI UTC", None),
    ],
)
def test_a_timing_says_itself_in_words(timing: Timing, text: str, words: str | None) -> None:
    assert str(timing) == text
    assert in_words(text) == words if words else in_words(text).endswith("Monday through Friday, UTC")
