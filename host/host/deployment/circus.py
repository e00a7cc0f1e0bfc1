"""What circus makes of deploy/circus."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM054, SM056, SM059, SM065, SM069
from host.deployment.machine.ini import Ini
from host.deployment.machine.listening import bound, listening
from host.deployment.machine.program import Program, Role, too_many
from host.deployment.machine.variables import of_machine

FILES = ("deploy/circus/*.ini",)
WATCHER = "watcher:"
TRUE = ("true", "1", "yes", "on", "t", "y")
OPTIONS = {"command": "cmd", "signal": "stop_signal", "to_all": "stop_children"}
"""Of circus, by what a program calls them."""


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    for file in sorted(clone.glob(FILES[0])):
        try:
            ini = Ini(file, clone)
        except ValueError as error:
            yield SM069.finding(str(error), hint="circusd says more")
            continue
        for section, options in ini.options.items():
            if section.startswith(WATCHER):
                yield from _watcher(ini, section, options, clone, modules)
            elif section.startswith("socket:") and "path" not in options:
                yield from bound(ini.at(section, "host"), options.get("host", "localhost"))


def programs(clone: Path, modules: Sequence[Module]) -> Iterator[Program]:
    """Raises ``ValueError`` for a file that cannot be read."""
    for file in sorted(clone.glob(FILES[0])):
        ini = Ini(file, clone)
        for section, options in ini.options.items():
            if section.startswith(WATCHER) and options.get("cmd"):
                yield _program(ini, section, options, clone, modules)


def _watcher(
    ini: Ini, section: str, options: Mapping[str, str], clone: Path, modules: Sequence[Module]
) -> Iterator[Finding]:
    if not options.get("cmd"):
        yield SM069.finding(f"{ini.at(section)}: [{section}] has no cmd", hint="cmd = …")
        return
    program = _program(ini, section, options, clone, modules)
    yield from program.findings()
    if _is_true(options, "shell"):
        yield SM059.finding(
            f"{ini.at(section, 'shell')}: [{section}] runs its process within a shell", hint="shell = False"
        )
    if int(options.get("max_age", "0")):
        yield SM056.finding(
            f"{ini.at(section, 'max_age')}: [{section}] replaces its processes by their age", hint="leave it out"
        )
    if not _is_true({"respawn": "True"} | dict(options), "respawn"):
        yield SM054.finding(
            f"{ini.at(section, 'respawn')}: nobody starts [{section}] again when it has ended by itself",
            hint="leave it out",
        )
    if int(options.get("max_retry", "5")) != -1:
        yield SM054.finding(
            f"{ini.at(section, 'max_retry')}: [{section}] is given up after a few starts, as while migrations run",
            hint="max_retry = -1",
        )
    if program.role is Role.WEB:
        yield from _socket(ini, section, options)
        yield from listening(ini.at(section, "cmd"), program.words)
        yield from too_many(program, ini.at(section, "numprocesses"), int(options.get("numprocesses", "1")))


def _program(ini: Ini, section: str, options: Mapping[str, str], clone: Path, modules: Sequence[Module]) -> Program:
    of_all, of_this = "env", f"env:{section.removeprefix(WATCHER)}"

    def at(option: str) -> str:
        if option.startswith("SM_"):
            return ini.at(of_this if option in ini.options.get(of_this, {}) else of_all, option)
        return ini.at(section, OPTIONS.get(option, option))

    return Program(
        name=f"[{section}]",
        command=" ".join(filter(None, (options["cmd"], options.get("args")))),
        at=at,
        told={**ini.options.get(of_all, {}), **ini.options.get(of_this, {})},
        modules=modules,
        option="graceful_timeout",
        patience=float(options.get("graceful_timeout", "30")),
        signal=options.get("stop_signal", "TERM").upper().removeprefix("SIG"),
        to_all=_is_true(options, "stop_children"),
        around=of_machine(clone),
    )


def _socket(ini: Ini, section: str, options: Mapping[str, str]) -> Iterator[Finding]:
    takes = "circus.sockets." in options["cmd"]
    if takes and not _is_true(options, "use_sockets"):
        yield SM065.finding(
            f"{ini.at(section, 'cmd')}: [{section}] takes a socket that circus does not hand over",
            hint="use_sockets = True",
        )
    if _is_true(options, "send_hup"):
        yield SM065.finding(
            f"{ini.at(section, 'send_hup')}: [{section}] reloads by SIGHUP, which ends `sm web --workers 1`",
            hint="leave it out",
        )


def _is_true(options: Mapping[str, str], name: str) -> bool:
    return options.get(name, "").lower() in TRUE
