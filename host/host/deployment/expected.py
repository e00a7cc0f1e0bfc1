"""What the files of a deployment have to agree with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from framework.findings import Code, Finding
from framework.ladder import configured, ladder
from framework.module import Module
from framework.policies import policy_of
from framework.settings import ModuleSettings, Settings, settings_instead
from framework.timeouts import Configured, Timeout
from pydantic_settings import BaseSettings

from host.deployment.codes import SM050, SM053

UNTOLD = {
    "SM_SECRET_KEY": "for the comparison only, never used to sign",
    "SM_DATABASE_URL": "postgresql+asyncpg://localhost/seamark",
    "SM_REDIS_URL": "redis://localhost/0",
}
"""For what has no default and decides nothing here."""


@dataclass(frozen=True)
class Expected:
    """``environment``: what a file sets for the processes (``SM_…``); everything else has its default in production."""

    modules: Sequence[Module]
    environment: Mapping[str, str]

    @cached_property
    def settings(self) -> Settings:
        """Raises ``pydantic.ValidationError`` when the file sets what a process would refuse."""
        return read(Settings, self.environment)

    def of[T: ModuleSettings](self, settings_cls: type[T]) -> T:
        return read(settings_cls, self.environment)

    @cached_property
    def configured(self) -> Configured:
        return configured(self.settings, self.modules, self.of)

    @cached_property
    def rungs(self) -> Mapping[str, Timeout]:
        return {rung.name: rung for rung in ladder(self.modules)}

    def seconds(self, name: str) -> float:
        """Of a rung that has a value here (docs/reference/timeouts.md)."""
        value = self.rungs[name].seconds(self.configured)
        assert value is not None, name
        return value

    def out_of_order(self, where: str, times: Mapping[str, float], code: Code = SM050) -> Iterator[Finding]:
        """``times``: what a file says of rungs, by their names. A finding for each that the ladder does not bear."""
        for name, rung in self.rungs.items():
            for outer_name in rung.before:
                if not {name, outer_name} & times.keys() or outer_name not in self.rungs:
                    continue
                outer = self.rungs[outer_name]
                short = times.get(name, rung.seconds(self.configured))
                long = times.get(outer_name, outer.seconds(self.configured))
                if short is not None and long is not None and short >= long:
                    told = SM053 if outer_name == "server.kill" else code
                    yield told.finding(
                        f"{where}: {rung.ends[0].lower()}{rung.ends[1:]} takes up to {short:g} s, and {outer.ends[0].lower()}"
                        f"{outer.ends[1:]} {long:g} s",
                        hint=f"it has to be shorter: {rung.set_by}; {outer.set_by}",
                    )

    @cached_property
    def bodies(self) -> Mapping[str, int]:
        """Bytes that a request may have, of the routes that say so themselves, by their paths."""
        routes = [route for module in self.modules if module.router for route in module.router.routes]
        said = [(getattr(route, "path", ""), policy_of(getattr(route, "endpoint", None))) for route in routes]
        with settings_instead(self.of):
            return {path: _bytes(policy.max_body) for path, policy in said if policy is not None and policy.max_body}


def _bytes(said: int | Callable[[], int] | None) -> int:
    return said() if callable(said) else said or 0


def read[T: BaseSettings](settings_cls: type[T], environment: Mapping[str, str]) -> T:
    """Settings of these variables alone, whatever this process has been told."""
    settings = _read(settings_cls, frozenset((UNTOLD | dict(environment)).items()))
    assert isinstance(settings, settings_cls)
    return settings


@lru_cache(maxsize=256)
def _read(settings_cls: type[BaseSettings], told: frozenset[tuple[str, str]]) -> BaseSettings:
    """Once for each: the files tell most processes the same, and a class with its validators costs milliseconds."""

    class Told(settings_cls):  # type: ignore[misc, valid-type]
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], env_settings: Any, **_: Any
        ) -> tuple[Any, ...]:
            env_settings.env_vars = {name.lower(): value for name, value in told if value}
            return (env_settings,)

    return Told()
