"""What the processes behind nginx are told by the files that start them, for its own have to agree with that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from framework.findings import Finding
from framework.module import Module

from host.deployment import circus, gunicorn, supervisor, systemd
from host.deployment.compose.reading import FILE, Compose
from host.deployment.expected import Expected
from host.deployment.machine.program import Program, Role

PROXIES = "SM_TRUSTED_PROXIES"


@dataclass(frozen=True)
class Behind:
    """``where``: the file that tells them. ``proxies``: whom they are told to believe, where nothing else compares that."""

    where: str
    expected: Expected
    proxies: str | None = None

    def named(self, finding: Finding) -> Finding:
        return replace(finding, message=f"{finding.message} (as {self.where} tells the processes)")

    @cached_property
    def compared(self) -> tuple[Any, ...]:
        """Whatever of it nginx' files are compared with."""
        expected = self.expected
        seconds = {name: rung.seconds(expected.configured) for name, rung in expected.rungs.items()}
        return seconds, dict(expected.bodies), expected.settings.max_body, self.proxies


class Told:
    """Files that cannot be read say nothing here; their own parts report that."""

    def __init__(self, clone: Path, modules: Sequence[Module]) -> None:
        self._modules = modules
        self._composed, self._mounted = _composed(clone, modules)
        self._of_machine = list(_of_machine(clone, modules))

    def behind(self, file: str) -> list[Behind]:
        """The processes of Compose where its proxy has this file. Else those of this machine, by whichever program they are
        started; an installation uses one of them, so those that leave everything as it is have nothing to say."""
        found = self._composed if file in self._mounted else self._of_machine
        usual = Behind("", Expected(self._modules, {})).compared
        return [behind for behind in found if behind.compared != usual]


def _composed(clone: Path, modules: Sequence[Module]) -> tuple[list[Behind], set[str]]:
    try:
        compose = Compose(clone, modules)
        behind = [Behind(FILE, service.program.expected) for service in compose.of(Role.WEB)]
        for each in behind:
            _ = each.compared
    except (OSError, ValueError):
        return [], set()
    volumes = [str(volume) for each in compose.services if each.is_proxy for volume in each.body.get("volumes") or ()]
    return behind, {volume.partition(":")[0].removeprefix("./") for volume in volumes}


def _of_machine(clone: Path, modules: Sequence[Module]) -> Iterator[Behind]:
    seen: list[tuple[Any, ...]] = []
    for programs in (systemd.programs, supervisor.programs, circus.programs, _gunicorn):
        for where, settings, expected in _readable(programs, clone, modules):
            behind = Behind(where, expected, settings.get(PROXIES))
            if _is_valid(behind) and behind.compared not in seen:
                seen.append(behind.compared)
                yield behind


type Said = tuple[str, Mapping[str, str], Expected]


def _readable(
    programs: Callable[[Path, Sequence[Module]], Iterator[Program | gunicorn.Read]],
    clone: Path,
    modules: Sequence[Module],
) -> list[Said]:
    try:
        return [_said(program) for program in programs(clone, modules) if _serves(program)]
    except (OSError, ValueError):
        return []


def _gunicorn(clone: Path, modules: Sequence[Module]) -> Iterator[gunicorn.Read]:
    yield from gunicorn.configurations(clone, modules)


def _serves(program: Program | gunicorn.Read) -> bool:
    return isinstance(program, gunicorn.Read) or program.role is Role.WEB


def _said(program: Program | gunicorn.Read) -> Said:
    where = program.name if isinstance(program, gunicorn.Read) else program.at("command").partition(":")[0]
    return where, program.settings, program.expected


def _is_valid(behind: Behind) -> bool:
    try:
        return behind.compared is not None
    except ValueError:
        return False
