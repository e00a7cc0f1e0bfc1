"""``SM_RATE_LIMITS``: what the operator of an installation makes of the rules that its modules declare."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from framework.codes import SM041
from framework.findings import Finding, Level
from framework.rate_limits.rule import RateLimit

OFF = "off"
RATE = re.compile(r"([0-9]{1,9}) */ *([0-9]{1,9}(?:\.[0-9]{1,6})?)").fullmatch

type Override = tuple[int, float] | None
"""Limit and period in seconds; ``None`` switches the rule off."""


def parse(text: str) -> tuple[dict[str, Override], list[Finding]]:
    """``name=limit/seconds; name=off`` as a mapping, and a finding for each entry that cannot be read."""
    overrides: dict[str, Override] = {}
    bad: list[Finding] = []
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        name, _, value = (part.strip() for part in entry.partition("="))
        if value == OFF:
            overrides[name] = None
            continue
        rate = RATE(value)
        try:
            limit, period = int(rate[1]), float(rate[2])  # type: ignore[index]  # None is a TypeError, caught below
            RateLimit(name, limit, period)
            overrides[name] = limit, period
        except (TypeError, ValueError):
            bad.append(
                SM041.finding(
                    f"SM_RATE_LIMITS has {entry!r}, which is no limit",
                    hint="name=limit/seconds or name=off, such as seamark.address=600/60",
                )
            )
    return overrides, bad


def unknown(overrides: Mapping[str, Override], rules: Iterable[RateLimit]) -> Iterator[Finding]:
    """No more than warnings: a worker with fewer modules does not know the rules of the others."""
    names = sorted(rule.name for rule in rules)
    for name in overrides:
        if name not in names:
            yield SM041.finding(
                f"SM_RATE_LIMITS names {name!r}, which no enabled module declares",
                hint=f"there are {', '.join(names)}",
                level=Level.WARNING,
            )


def apply(rule: RateLimit, overrides: Mapping[str, Override]) -> RateLimit | None:
    """The rule as it holds here; ``None`` when it is off."""
    if rule.name not in overrides:
        return rule
    override = overrides[rule.name]
    return None if override is None else replace(rule, limit=override[0], period=override[1])
