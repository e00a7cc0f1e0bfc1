"""The two timings of a schedule: an interval, or the calendar of a place. Each slot is a moment, the same on every machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from itertools import count
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = ("minute", "hour", "day of month", "month", "day of week")
CLOSE = 0.86
"""How alike two names must be for one to be meant by the other."""
UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}


@dataclass(frozen=True, slots=True)
class Every:
    """At the multiples of ``interval`` since 1970, UTC. Raises ``ValueError`` unless it is of whole seconds."""

    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval <= timedelta(0):
            raise ValueError("the interval must be positive")
        if self.interval % timedelta(seconds=1):
            raise ValueError("the interval must be of whole seconds")

    def __str__(self) -> str:
        seconds = round(self.interval.total_seconds())
        unit, length = next(item for item in UNITS.items() if seconds % item[1] == 0)
        number = seconds // length
        return f"every {unit}" if number == 1 else f"every {number} {unit}s"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The slots later than ``moment``, in UTC, without end."""
        return (EPOCH + number * self.interval for number in count((moment - EPOCH) // self.interval + 1))


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields (``crontab(5)``; also ``L``, ``LW``, ``MON#1`` and ``5L``), by the clocks of a zone.

    Where the clocks change: with ``*`` for the hour it goes by elapsed time, so the hour that comes twice has its slots
    twice. Any other is meant by the clock: slots in the hour that comes twice are those of its first time; those in the
    hour that is left out become one, at the moment of the change. This is what Debian's cron does, except that it does
    not count ``*/2`` among the hours meant by the clock.

    Raises ``ValueError`` for what is no expression or no zone (IANA), or is never due.
    """

    expression: str
    timezone: str

    def __post_init__(self) -> None:
        _zone(self.timezone)
        _check(self.expression)
        if next(self.after(EPOCH), None) is None:
            raise ValueError(f"cron {self.expression!r} is never due")

    def __str__(self) -> str:
        return f"{' '.join(self.expression.split())} {self.timezone}"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The slots later than ``moment``, in UTC; without end, but for an expression that is not due for 50 years."""
        latest = moment
        simulation = CronSim(self._by_the_clock(), moment.astimezone(_zone(self.timezone)))
        # No clock shows it: with one minute only, the library goes ahead by an hour, over a change of half an hour.
        simulation.minutes.add(60)
        for found in simulation:
            slot = found.astimezone(UTC)
            # Asked during the second 2:10 of a night, the library also finds the first 2:30.
            if slot > latest:
                latest = slot
                yield slot

    def _by_the_clock(self) -> str:
        """For the library any star among minutes or hours makes a schedule go by elapsed time."""
        minute, hour, *date = self.expression.split()
        if len(CronSim(self.expression, EPOCH).hours) == 24:
            hour = "*"
        else:
            minute, hour = minute.replace("*", "0-59"), hour.replace("*", "0-23")
        return " ".join((minute, hour, *date))


Timing = Every | Cron


def in_words(timing: str) -> str:
    """What ``str`` of a timing says, for people: ``At 03:00 every day, Europe/Berlin``."""
    expression, _, timezone = timing.rpartition(" ")
    try:
        return f"{CronSim(expression, EPOCH).explain()}, {timezone}"
    except CronSimError:  # an interval, which is words already
        return timing[:1].upper() + timing[1:]


def _check(expression: str) -> None:
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"cron {expression!r} must have five fields: {', '.join(FIELDS)}")
    for position, (name, field) in enumerate(zip(FIELDS, fields, strict=True)):
        alone = ["*"] * len(FIELDS)
        alone[position] = field
        try:
            CronSim(" ".join(alone), EPOCH)
        except CronSimError:
            raise ValueError(f"cron {expression!r}: {field!r} is no {name}") from None
    try:
        CronSim(expression, EPOCH)
    except CronSimError:
        # Each field is right, but no month has that day.
        raise ValueError(f"cron {expression!r} is never due") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = {zone.casefold(): zone for zone in available_timezones()}
        wanted = name.casefold().replace(" ", "_")
        places = {zone.rpartition("/")[2]: zone for zone in known}
        near = [
            *get_close_matches(wanted, known, n=1, cutoff=CLOSE),
            *(places[place] for place in get_close_matches(wanted, places, n=1, cutoff=CLOSE)),
        ]
        hint = f"; did you mean {known[near[0]]!r}?" if near else " (one of the IANA database, such as 'Europe/Berlin')"
        raise ValueError(f"there is no time zone {name!r}{hint}") from None
