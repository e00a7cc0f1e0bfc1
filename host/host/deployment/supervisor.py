"""What supervisor makes of deploy/supervisor."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM054, SM065, SM069
from host.deployment.machine.ini import Ini
from host.deployment.machine.listening import bound, listening
from host.deployment.machine.program import Program, Role, too_many
from host.deployment.machine.variables import of_machine

FILES = ("deploy/supervisor/*.conf",)
KINDS = ("program:", "fcgi-program:")
ENDLESS = 1000
"""Starts that take days: a second more is waited between them each time."""
DEFAULTS = {"stopwaitsecs": "10", "stopsignal": "TERM"}
OPTIONS = {"signal": "stopsignal", "to_all": "stopasgroup"}
"""Of supervisor, by what a program calls them."""


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    for file in sorted(clone.glob(FILES[0])):
        try:
            ini = Ini(file, clone)
        except ValueError as error:
            yield SM069.finding(str(error), hint="supervisord says more")
            continue
        for section, options in ini.options.items():
            if section.startswith(KINDS):
                yield from _judged(ini, section, options, clone, modules)


def programs(clone: Path, modules: Sequence[Module]) -> Iterator[Program]:
    """Raises ``ValueError`` for a file that cannot be read."""
    for file in sorted(clone.glob(FILES[0])):
        ini = Ini(file, clone)
        for section, options in ini.options.items():
            if section.startswith(KINDS) and options.get("command"):
                yield _program(ini, section, options, clone, modules)


def _judged(
    ini: Ini, section: str, options: Mapping[str, str], clone: Path, modules: Sequence[Module]
) -> Iterator[Finding]:
    if not options.get("command"):
        yield SM069.finding(f"{ini.at(section)}: [{section}] has no command", hint="command = …")
        return
    program = _program(ini, section, options, clone, modules)
    yield from program.findings()
    if options.get("autorestart", "unexpected").lower() != "true":
        yield SM054.finding(
            f"{ini.at(section, 'autorestart')}: nobody starts [{section}] again when it has ended by itself",
            hint="autorestart = true",
        )
    if int(options.get("startretries", "3")) < ENDLESS:
        yield SM054.finding(
            f"{ini.at(section, 'startretries')}: [{section}] is given up after a few starts, as while migrations run",
            hint="startretries = 100000",
        )
    if program.role is Role.WEB:
        yield from _socket(ini, section, options, program.words)
        yield from listening(ini.at(section, "command"), program.words)
        if "socket" in options:
            yield from bound(ini.at(section, "socket"), options["socket"].removeprefix("unix://"))
        yield from too_many(program, ini.at(section, "numprocs"), int(options.get("numprocs", "1")))


def _program(ini: Ini, section: str, options: Mapping[str, str], clone: Path, modules: Sequence[Module]) -> Program:
    everywhere = ini.options.get("supervisord", {}).get("environment", "")

    def at(option: str) -> str:
        return ini.at(section, "environment" if option.startswith("SM_") else OPTIONS.get(option, option))

    def said(option: str) -> str:
        return options.get(option, DEFAULTS[option])

    return Program(
        name=f"[{section}]",
        command=options["command"],
        at=at,
        told={**_pairs(everywhere), **_pairs(options.get("environment", ""))},
        modules=modules,
        option="stopwaitsecs",
        patience=float(said("stopwaitsecs")),
        signal=said("stopsignal").upper().removeprefix("SIG"),
        to_all=options.get("stopasgroup", "false").lower() in ("true", "1", "on", "yes"),
        around=of_machine(clone),
    )


def _socket(ini: Ini, section: str, options: Mapping[str, str], words: Sequence[str]) -> Iterator[Finding]:
    if section.startswith("fcgi-program:"):
        if "--fd" not in words or words[words.index("--fd") + 1 :][:1] != ["0"]:
            yield SM065.finding(
                f"{ini.at(section, 'command')}: [{section}] has a socket that its processes do not take", hint="--fd 0"
            )
    elif "--fd" in words:
        yield SM065.finding(
            f"{ini.at(section, 'command')}: [{section}] takes a socket, and supervisor gives one to an fcgi-program only",
            hint="[fcgi-program:web], or --uds for each process",
        )
    elif int(options.get("numprocs", "1")) > 1 and "%(process_num)" not in options["command"]:
        yield SM065.finding(
            f"{ini.at(section, 'command')}: all processes of [{section}] would listen at the same place",
            hint="--uds /run/seamark/web-%(process_num)d.sock, or [fcgi-program:web] with --fd 0",
        )


def _pairs(environment: str) -> dict[str, str]:
    """``A="1",B=2``, as supervisor takes it apart."""
    lexer = shlex.shlex(environment, posix=True)
    lexer.wordchars += "/.+-():@*%?&$!"
    lexer.commenters = ""
    words = [word for word in lexer if word != ","]
    return {name: value for name, sign, value in zip(words[::3], words[1::3], words[2::3], strict=False) if sign == "="}
