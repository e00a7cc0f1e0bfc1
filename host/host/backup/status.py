"""``sm backup status``: whether what there is would do if everything were lost now."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from host.backup import BackupError
from host.backup.catalogue import look
from host.backup.receiver import last_received
from host.backup.target import Target

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
AGE = re.compile(r"(\d+)([smhd])").fullmatch


def problems(target: Target, max_age: timedelta, max_wal_age: timedelta, now: datetime | None = None) -> Iterator[str]:
    """What is too old or missing. It lists the target and reads nothing back, so it may be asked every minute."""
    now = now or datetime.now(UTC)
    catalogue = look(target)
    newest = max(catalogue.good, key=lambda base: base.ended, default=None)
    if newest is None:
        yield f"there is no good base backup in {target.where}: `sm backup base`"
    else:
        if (age := now - newest.ended) > max_age:
            yield f"the newest good base backup, {newest.id}, is {in_words(age)} old: `sm backup base`"
        if missing := catalogue.reach(newest).missing:
            yield f"the WAL after {newest.id} has a gap: {missing} is missing; `sm backup base`"
    received = last_received(target)
    if received is None:
        yield "WAL was never received: `sm backup wal`"
    elif (age := now - received.until) > max_wal_age:
        yield f"what was committed in the last {in_words(age)} is not in {target.where}: `sm backup wal`"


def age(option: str, text: str) -> timedelta:
    """``26h``. Raises ``BackupError``."""
    found = AGE(text)
    if found is None:
        raise BackupError(f"{option} {text} is no age: write a number and s, m, h or d, such as 26h")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def in_words(age: timedelta) -> str:
    seconds = age.total_seconds()
    return f"{seconds / 3600:.1f} hours" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} minutes"
