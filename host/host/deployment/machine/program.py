"""A program that a process manager starts, and what is wrong with it whoever that is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from shlex import split

from framework.findings import Finding
from framework.module import Module
from framework.rungs import ENDING

from host.deployment.codes import SM052, SM053, SM059, SM060, SM066
from host.deployment.expected import Expected
from host.deployment.machine.options import option_findings
from host.deployment.secrets import WITH_PASSWORD, secret_variables

SHELLS = ("sh", "bash", "dash", "zsh", "busybox", "env")
MIGRATING = {"migrate", "alembic"}
GRACE = "background_tasks.shutdown_grace"


class Role(Enum):
    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"
    MIGRATION = "migration"
    RECEIVER = "receiver"
    """``sm backup wal``."""
    OTHER = "other"


@dataclass(frozen=True)
class Program:
    """``at``: where an option of it stands. ``told``: the variables that its file sets.

    ``around``: those that all processes of the machine have. ``patience``: seconds from its first signal to SIGKILL. ``signal``: the first one's name without SIG.
    ``to_all``: its children get that, too.
    """

    name: str
    command: str
    at: Callable[[str], str]
    told: Mapping[str, str]
    modules: Sequence[Module]
    option: str
    patience: float
    signal: str
    to_all: bool
    around: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def words(self) -> list[str]:
        """A shell's one word may hold all of them."""
        return " ".join(split(self.command)).split()

    @cached_property
    def role(self) -> Role:
        words = {word.rpartition("/")[2] for word in self.words}
        if "celery" in words:
            return Role.WORKER if "worker" in words else Role.BEAT if "beat" in words else Role.OTHER
        if {"uvicorn", "gunicorn"} & words or {"sm", "web"} <= words:
            return Role.WEB
        if {"sm", "backup", "wal"} <= words:
            return Role.RECEIVER
        return Role.MIGRATION if MIGRATING & words else Role.OTHER

    @cached_property
    def expected(self) -> Expected:
        """What is judged for itself keeps nothing else from being read."""
        return Expected(
            self.modules, {name: value for name, value in self.settings.items() if name != "SM_TRUSTED_PROXIES"}
        )

    @property
    def settings(self) -> dict[str, str]:
        return {name: value for name, value in {**self.around, **self.told}.items() if name.startswith("SM_")}

    def findings(self) -> Iterator[Finding]:
        yield from self._signals()
        yield from self._secrets()
        if self.role is Role.WEB:
            yield from self.expected.out_of_order(self.at(self.option), {"server.kill": self.patience})
            yield from option_findings(self.at("command"), self.words, self.told, self.expected)
            if found := MIGRATING & {word.rpartition("/")[2] for word in self.words}:
                yield SM066.finding(
                    f"{self.at('command')}: {self.name} runs {' and '.join(sorted(found))} when it starts",
                    hint="`sm migrate` once, before any process of the new release is started",
                )
        if self.role is Role.WORKER and GRACE in self.expected.rungs:
            yield from self._worker()

    def _worker(self) -> Iterator[Finding]:
        needed = self.expected.seconds(GRACE) + ENDING
        if self.patience < needed:
            yield SM053.finding(
                f"{self.at(self.option)}: {self.name} is killed after {self.patience:g} s, and its tasks have up to {needed:g}",
                hint=f"{self.option}: SM_BACKGROUND_TASKS_SHUTDOWN_GRACE and 5 seconds, or more",
            )
        if self.to_all:
            yield SM059.finding(
                f"{self.at('to_all')}: the children of {self.name} are told to end along with it, in the middle of their tasks",
                hint="signal its parent only, which knows what they do",
            )

    def _signals(self) -> Iterator[Finding]:
        first = self.words[0].rpartition("/")[2] if self.words else ""
        if first in SHELLS or (first == "uv" and "run" in self.words):
            yield SM059.finding(
                f"{self.at('command')}: {self.name} runs its process within {first}",
                hint=f"the process itself, such as /opt/seamark/.venv/bin/sm web; it has {self.command}",
            )
        if self.role is not Role.OTHER and self.signal != "TERM":
            yield SM059.finding(
                f"{self.at('signal')}: {self.name} is told to end by SIG{self.signal}, which does not let it finish",
                hint="SIGTERM",
            )

    def _secrets(self) -> Iterator[Finding]:
        secret = set(secret_variables(self.modules))
        for name, value in self.told.items():
            if value and (name in secret or WITH_PASSWORD(value)):
                yield SM060.finding(f"{self.at(name)}: {self.name} is told {name}", hint=f"{name}_FILE=/etc/seamark/…")


def too_many(program: Program, where: str, processes: int) -> Iterator[Finding]:
    """``SM033`` counts connections by what the processes are told of their number."""
    settings = program.expected.settings
    said = dict(zip(program.words, program.words[1:], strict=False)).get("--workers", settings.web_workers)
    there = processes * int(said)
    if "SM_WEB_PROCESSES" in program.settings and settings.web_processes < there:
        yield SM052.finding(
            f"{where}: {program.name} has {there} web processes, and SM_WEB_PROCESSES is {settings.web_processes}",
            hint=f"SM_WEB_PROCESSES={there} in deploy/systemd/seamark.env, or fewer processes",
        )
