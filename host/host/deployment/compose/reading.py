"""docker-compose.yml as Compose reads it: variables filled with their defaults, anchors merged."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import join, split
from typing import Any

import yaml
from dotenv import dotenv_values
from framework.module import Module

from host.deployment.machine.program import Program, Role

FILE = "docker-compose.yml"
GRACE = 10.0
"""Seconds of stop_grace_period where it is not said."""
INNERMOST = re.compile(r"\$\{(\w+)(?::?-([^${}]*))?\}")
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
OF_THE_IMAGE = "sm web --host 0.0.0.0"


class Compose:
    """Raises ``ValueError`` where the file is no such file."""

    def __init__(self, clone: Path, modules: Sequence[Module]) -> None:
        text = (clone / FILE).read_text()
        try:
            body = yaml.safe_load(filled(text))
        except yaml.YAMLError as error:
            raise ValueError(f"{FILE}: {error}".replace("\n", " ")) from None
        services = body.get("services") if isinstance(body, dict) else None
        if not isinstance(services, dict) or not all(isinstance(service, dict) for service in services.values()):
            raise ValueError(f"{FILE} has no services")
        lines = dict(_lines(text))
        self.services = [Service(name, services[name], lines, modules, clone) for name in services]

    def of(self, role: Role) -> "list[Service]":
        return [service for service in self.services if service.role is role]


def filled(text: str) -> str:
    """One variable may be within another's default."""
    while (found := INNERMOST.sub(lambda variable: variable[2] or "", text)) != text:
        text = found
    return text


def _lines(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    service, within = "", False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\S", line):
            within = line.startswith("services:")
        elif within and (found := re.match(r"  ([\w.-]+):", line)):
            service = found[1]
            yield (service, ""), number
        elif within and (found := re.match(r"    ([\w.-]+):", line)):
            yield (service, found[1]), number


@dataclass(frozen=True, eq=False)
class Service:
    name: str
    body: Mapping[str, Any]
    lines: Mapping[tuple[str, str], int]
    modules: Sequence[Module]
    clone: Path

    def at(self, option: str = "") -> str:
        line = self.lines.get((self.name, option)) or self.lines.get((self.name, ""))
        return f"{FILE}:{line}: {self.name}" if line else f"{FILE}: {self.name}"

    @property
    def image(self) -> str:
        return str(self.body.get("image", ""))

    @property
    def is_own(self) -> bool:
        """Of the image that is built here."""
        return "build" in self.body

    @cached_property
    def command(self) -> str:
        said = self.body.get("command")
        if said is None:
            return OF_THE_IMAGE if self.is_own else ""
        return said if isinstance(said, str) else join(map(str, said))

    @property
    def words(self) -> list[str]:
        return split(self.command)

    @cached_property
    def environment(self) -> dict[str, str]:
        said = self.body.get("environment") or {}
        return {**self._of_files(), **_variables(said)}

    def _of_files(self) -> dict[str, str]:
        """Of ``env_file``; one that is not there yet says nothing."""
        said = self.body.get("env_file") or []
        found: dict[str, str] = {}
        for item in said if isinstance(said, list) else [said]:
            file = self.clone / str(item["path"] if isinstance(item, dict) else item)
            if file.is_file():
                found |= {name: value or "" for name, value in dotenv_values(file).items()}
        return found

    @property
    def grace(self) -> float:
        return seconds(self.body.get("stop_grace_period", GRACE))

    @property
    def role(self) -> Role:
        return self.program.role

    @property
    def is_proxy(self) -> bool:
        return self.image.rpartition("/")[2].startswith("nginx")

    @property
    def replicas(self) -> int:
        return int(self.body.get("scale") or self.body.get("deploy", {}).get("replicas") or 1)

    @cached_property
    def program(self) -> Program:
        return Program(
            name=self.name,
            command=self.command,
            at=lambda option: self.at(option).rpartition(":")[0],
            told=self.environment,
            modules=self.modules,
            option="stop_grace_period",
            patience=self.grace,
            signal=str(self.body.get("stop_signal", "TERM")).removeprefix("SIG"),
            to_all=False,
        )

    def waits_for(self) -> dict[str, str]:
        """Services, and until when."""
        said = self.body.get("depends_on") or {}
        if isinstance(said, list):
            return dict.fromkeys(said, "service_started")
        return {name: (how or {}).get("condition", "service_started") for name, how in said.items()}


def _variables(said: Any) -> dict[str, str]:
    if isinstance(said, list):
        said = dict(str(item).partition("=")[::2] for item in said)
    return {name: "" if value is None else str(value) for name, value in said.items()}


def seconds(said: object) -> float:
    """``1m30s`` as Compose has it; a number is seconds."""
    if isinstance(said, int | float):
        return float(said)
    return sum(float(number) * SECONDS[unit] for number, unit in DURATION.findall(str(said)))
