"""What gunicorn makes of deploy/gunicorn, read by gunicorn itself."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM060, SM065, SM069
from host.deployment.expected import UNTOLD, Expected
from host.deployment.machine import options
from host.deployment.machine.listening import bound
from host.deployment.machine.variables import of_machine
from host.deployment.secrets import WITH_PASSWORD, secret_variables

FILES = ("deploy/gunicorn/*.conf.py",)
READ = """
import json, sys
from gunicorn.app.base import Application

class Reading(Application):
    def load_config(self):
        self.load_config_from_file(sys.argv[1])

said = {name: setting.get() for name, setting in Reading().cfg.settings.items()}
worker = said.pop("worker_class")
said["worker_class"] = worker if isinstance(worker, str) else " ".join(
    f"{kind.__module__}.{kind.__qualname__}" for kind in worker.__mro__)
print("\\n" + json.dumps({name: value for name, value in said.items() if not callable(value)}, default=str))
"""
"""In a process of its own: it is a program, which reads settings, and may do anything else."""
DEFAULTS = {"threads": 1, "worker_connections": 1000, "limit_request_line": 4094, "limit_request_fields": 100, "limit_request_field_size": 8190}  # fmt: skip
PATIENCE = 60


@dataclass(frozen=True)
class Read:
    name: str
    text: str
    said: Mapping[str, Any]
    modules: Sequence[Module]
    around: Mapping[str, str]

    def at(self, option: str) -> str:
        lines = self.text.splitlines()
        line = next((number for number, line in enumerate(lines, 1) if re.match(rf"\s*{option}\b.*=", line)), 0)
        return f"{self.name}:{line}: {option}" if line else f"{self.name}: {option}"

    @cached_property
    def environment(self) -> Mapping[str, str]:
        return dict(pair.split("=", 1) for pair in self.said["raw_env"])

    @property
    def settings(self) -> dict[str, str]:
        return {name: value for name, value in {**self.around, **self.environment}.items() if name.startswith("SM_")}

    @cached_property
    def expected(self) -> Expected:
        return Expected(
            self.modules, {name: value for name, value in self.settings.items() if name != "SM_TRUSTED_PROXIES"}
        )


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    for name, read in _files(clone, modules):
        if isinstance(read, str):
            yield SM069.finding(f"{name}: {read}", hint=f"gunicorn --check-config -c {name} host.main:app")
        else:
            yield from _judged(read)


def configurations(clone: Path, modules: Sequence[Module]) -> list[Read]:
    """Those that gunicorn can read."""
    return [read for _, read in _files(clone, modules) if isinstance(read, Read)]


def _files(clone: Path, modules: Sequence[Module]) -> Iterator[tuple[str, Read | str]]:
    around = of_machine(clone)
    for file in sorted(clone.glob(FILES[0])):
        name, text = str(file.relative_to(clone)), file.read_text()
        # What is wrong with the addresses is systemd's part to say.
        told = tuple((key, value) for key, value in around.items() if key != "SM_TRUSTED_PROXIES")
        said = _read(file, text, told)
        yield name, said if isinstance(said, str) else Read(name, text, said, modules, around)


@lru_cache(maxsize=8)
def _read(file: Path, text: str, around: tuple[tuple[str, str], ...]) -> Mapping[str, Any] | str:
    """What is wrong, where gunicorn cannot. Once for each ``text``: it costs a process."""
    environment = {"PATH": os.environ.get("PATH", ""), "SM_ENVIRONMENT": "production", **UNTOLD, **dict(around)}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file.resolve())],
        cwd=file.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        return next(reversed((done.stderr + done.stdout).strip().splitlines()), f"status {done.returncode}")
    said: Mapping[str, Any] = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    return said


def _judged(read: Read) -> Iterator[Finding]:
    times: Mapping[str, Callable[[str, float, Expected], Iterator[Finding]]] = {
        "graceful_timeout": options.kill,
        "timeout": options.heartbeat,
        "keepalive": options.keep_alive,
    }
    for option, rule in times.items():
        yield from rule(read.at(option), float(read.said[option]), read.expected)
    if read.said["max_requests"]:
        yield options.recycling(read.at("max_requests"))
    if "*" in read.said["forwarded_allow_ips"]:
        yield options.trusts_all(read.at("forwarded_allow_ips"))
    for address in read.said["bind"]:
        yield from bound(read.at("bind"), address)
    if read.said["reload"]:
        yield SM065.finding(f"{read.at('reload')} watches the files, and is for development", hint="leave it out")
    yield from _workers(read)
    secret = set(secret_variables(read.modules))
    for name, value in read.environment.items():
        if name in secret or WITH_PASSWORD(value):
            yield SM060.finding(f"{read.at('raw_env')} tells {name}", hint=f"{name}_FILE=/etc/seamark/…")


def _workers(read: Read) -> Iterator[Finding]:
    kinds = str(read.said["worker_class"])
    yield from options.worker_class_findings(read.at("worker_class"), kinds)
    # gunicorn's own heeds all but the threads.
    for option in options.IGNORED if "uvicorn" in kinds.lower() else ("threads",):
        if read.said[option] != DEFAULTS[option]:
            yield options.ignored(read.at(option))
