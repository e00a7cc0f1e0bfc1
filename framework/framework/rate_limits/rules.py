"""Which rules count a route: those of its module, and the framework's."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Protocol

from framework.rate_limits.overrides import Override, apply
from framework.rate_limits.process_buckets import ProcessBuckets
from framework.rate_limits.rule import ANONYMOUS, SIGNED_IN, RateLimit
from framework.rate_limits.standing import policy_field

MOST_KEYS = 10_000
"""Buckets that a process keeps of each rule: about 1.5 MB."""


class Declares(Protocol):
    """Of a manifest what matters here."""

    @property
    def name(self) -> str: ...
    @property
    def rate_limits(self) -> tuple[RateLimit, ...]: ...


def declared(modules: Iterable[Declares]) -> list[RateLimit]:
    """The framework's rules and those of the modules, in the order in which they are asked."""
    return [SIGNED_IN, ANONYMOUS, *(rule for module in modules for rule in module.rate_limits)]


class Meter:
    """A rule at work: as the operator wants it, with this process's buckets."""

    def __init__(self, rule: RateLimit) -> None:
        self.rule = rule
        self.prefix = f"seamark:limit:{rule.name}:"
        self.buckets = ProcessBuckets(MOST_KEYS)


class Limits:
    """The meters that count one kind of request, and what its answers say of them."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self.meters = tuple(meters)
        self.rules = tuple(meter.rule for meter in self.meters)
        self.policy = policy_field(self.rules)


class Rules:
    """Those of an installation, as its operator wants them."""

    def __init__(self, modules: Sequence[Declares], overrides: Mapping[str, Override]) -> None:
        effective = {rule.name: apply(rule, overrides) for rule in declared(modules)}
        self._meters = {name: Meter(rule) if rule else None for name, rule in effective.items()}
        self._of_module = {module.name: [rule.name for rule in module.rate_limits] for module in modules}
        # Asked for each request; there are as many answers as kinds of routes.
        self.counting = cache(self._counting)

    def _counting(self, module: str, rate_class: str | None, signed_in: bool) -> Limits:
        """What counts a request of ``module``'s routes that name ``rate_class``."""
        names = [SIGNED_IN.name if signed_in else ANONYMOUS.name, *self._of_module.get(module, ())]
        meters = (self._meters[name] for name in names)
        return Limits(meter for meter in meters if meter and meter.rule.rate_class in (None, rate_class))

    def named(self, name: str) -> Limits:
        """The one rule; empty when it is switched off. Raises ``LookupError`` when no enabled module declares it."""
        if name not in self._meters:
            raise LookupError(f"no enabled module declares the rate limit {name}: add it to its manifest")
        meter = self._meters[name]
        return Limits([meter] if meter else [])
