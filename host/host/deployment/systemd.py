"""What systemd makes of the units in deploy/systemd."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import split

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM054, SM058, SM059, SM065, SM066, SM069
from host.deployment.machine import variables
from host.deployment.machine.listening import bound, listening
from host.deployment.machine.program import MIGRATING, Program, Role

FILES = ("deploy/systemd/*.service", "deploy/systemd/*.socket", variables.FILES)
UNITS = {"": 1, "s": 1, "sec": 1, "ms": 0.001, "min": 60, "m": 60, "h": 3600}
STOP = 90.0
"""Seconds of TimeoutStopSec where it is not said."""
OPTIONS = {"command": "ExecStart", "signal": "KillSignal", "to_all": "KillMode"}
"""Of systemd, by what a program calls them."""
REQUIRING = ("Requires", "Requisite", "BindsTo")


@dataclass
class Unit:
    """``said``: all values of an option, an empty one having removed those before, and the lines that they stand in."""

    name: str
    said: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def last(self, option: str, otherwise: str = "") -> str:
        values = self.said.get(option)
        return values[-1][0] if values else otherwise

    def all(self, option: str) -> list[str]:
        return [value for value, _ in self.said.get(option, ())]

    def at(self, option: str) -> str:
        values = self.said.get(OPTIONS.get(option, "Environment" if option.startswith("SM_") else option))
        return f"{self.name}:{values[-1][1]}" if values else self.name


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    told = variables.by_file(clone)
    sockets = {file.name for file in clone.glob(FILES[1])}
    for file in sorted([*clone.glob(FILES[0]), *clone.glob(FILES[1])]):
        try:
            unit = _read(file, clone)
        except ValueError as error:
            yield SM069.finding(str(error), hint="systemd-analyze verify says more")
            continue
        if file.name in sockets:
            for address in unit.all("ListenStream"):
                yield from bound(unit.at("ListenStream"), address)
        else:
            yield from _service(unit, told, sockets, modules)


def _read(file: Path, clone: Path) -> Unit:
    unit = Unit(str(file.relative_to(clone)))
    # A backslash at its end continues a line (systemd.syntax(7)).
    for number, line in enumerate(re.sub(r"\\\n", "  ", file.read_text()).splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;" or (stripped[0] == "[" and stripped[-1] == "]"):
            continue
        option, sign, value = stripped.partition("=")
        if not sign:
            raise ValueError(f"{unit.name}:{number}: {stripped} is no option")
        if value.strip():
            unit.said.setdefault(option.strip(), []).append((value.strip(), number))
        else:
            unit.said.pop(option.strip(), None)
    return unit


def _service(
    unit: Unit, told: Mapping[str, Mapping[str, str]], sockets: set[str], modules: Sequence[Module]
) -> Iterator[Finding]:
    if not unit.last("ExecStart"):
        yield SM069.finding(f"{unit.name} starts nothing", hint="ExecStart=…")
        return
    program = _program(unit, told, modules)
    yield from program.findings()
    if unit.last("User", "root") == "root":
        yield SM058.finding(f"{unit.at('User')}: {program.name} runs as root", hint="User=seamark")
    if program.role in (Role.WEB, Role.WORKER, Role.BEAT, Role.RECEIVER):
        yield from _running(unit, program)
    if program.role in (Role.WEB, Role.WORKER, Role.BEAT):
        yield from _migrated(unit, program)
    if program.role is Role.WEB:
        yield from _socket(unit, program, sockets)
        yield from listening(unit.at("command"), program.words)


def programs(clone: Path, modules: Sequence[Module]) -> Iterator[Program]:
    """Raises ``ValueError`` for a file that cannot be read."""
    told = variables.by_file(clone)
    for file in sorted(clone.glob(FILES[0])):
        yield _program(_read(file, clone), told, modules)


def _program(unit: Unit, told: Mapping[str, Mapping[str, str]], modules: Sequence[Module]) -> Program:
    around: dict[str, str] = {}
    for file in unit.all("EnvironmentFile"):
        around |= told.get(file.removeprefix("-").rpartition("/")[2], {})
    own = dict(pair.partition("=")[::2] for line in unit.all("Environment") for pair in split(line))
    return Program(
        name=unit.name.rpartition("/")[2],
        command=unit.last("ExecStart").lstrip("-@:+!"),
        at=unit.at,
        told={**around, **own},
        modules=modules,
        option="TimeoutStopSec",
        patience=_seconds(unit.last("TimeoutStopSec", str(STOP))),
        signal=unit.last("KillSignal", "SIGTERM").removeprefix("SIG"),
        to_all=unit.last("KillMode", "control-group") == "control-group",
    )


def _running(unit: Unit, program: Program) -> Iterator[Finding]:
    if unit.last("Restart") != "always":
        yield SM054.finding(
            f"{unit.at('Restart')}: nobody starts {program.name} again when it has ended by itself",
            hint="Restart=always",
        )
    # With RestartSec it takes less than ten seconds to have been started five times (DefaultStartLimitBurst=).
    if _seconds(unit.last("StartLimitIntervalSec", "10")):
        yield SM054.finding(
            f"{unit.at('StartLimitIntervalSec')}: {program.name} is given up after a few starts, as while Postgres is away",
            hint="StartLimitIntervalSec=0 in [Unit]",
        )
    if unit.last("KillMode") in ("process", "none"):
        yield SM059.finding(f"{unit.at('KillMode')}: what {program.name} leaves behind goes on", hint="KillMode=mixed")


def _migrated(unit: Unit, program: Program) -> Iterator[Finding]:
    before = [
        line for line in unit.all("ExecStartPre") if MIGRATING & {word.rpartition("/")[2] for word in line.split()}
    ]
    if before:
        yield SM066.finding(
            f"{unit.at('ExecStartPre')}: {program.name} migrates when it starts", hint="seamark-migrate.service"
        )
    wanted, after, *required = (_migrations(unit, option) for option in ("Wants", "After", *REQUIRING))
    if any(required):
        yield SM054.finding(
            f"{unit.at('Requires')}: {program.name} is never started again once migrations failed, as while Postgres is away",
            hint="Wants= and After=seamark-migrate.service",
        )
    elif not before and not wanted & after:
        yield SM066.finding(
            f"{unit.name} starts without the database having been migrated",
            hint="Wants= and After=seamark-migrate.service",
        )


def _migrations(unit: Unit, option: str) -> set[str]:
    """Which of the units that it names there migrate."""
    return {name for name in " ".join(unit.all(option)).split() if "migrate" in name}


def _socket(unit: Unit, program: Program, sockets: set[str]) -> Iterator[Finding]:
    if "--fd" not in program.words:
        return
    named = set(" ".join(unit.all("Sockets")).split()) or {unit.name.rpartition("/")[2].replace(".service", ".socket")}
    if not named <= sockets:
        yield SM065.finding(
            f"{unit.at('Sockets')}: {program.name} takes a socket that no unit opens", hint="Sockets=seamark-web.socket"
        )
    elif program.words[program.words.index("--fd") + 1 :][:1] != ["3"]:
        yield SM065.finding(f"{unit.at('command')}: the first socket that systemd hands over is 3", hint="--fd 3")


def _seconds(said: str) -> float:
    """As in systemd.time(7), in seconds where nothing is said."""
    if said == "infinity":
        return float("inf")
    parts = re.findall(r"([0-9.]+)\s*([a-z]*)", said)
    if not parts or any(unit not in UNITS for _, unit in parts):
        raise ValueError(f"{said} is no time")
    return sum(float(number) * UNITS[unit] for number, unit in parts)
