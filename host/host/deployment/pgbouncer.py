"""What PgBouncer makes of deploy/pgbouncer, and whether it suits the application."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM052, SM060, SM063, SM065, SM069
from host.deployment.expected import Expected
from host.deployment.machine.ini import Ini
from host.deployment.machine.listening import is_public
from host.deployment.machine.variables import of_machine

FILES = ("deploy/pgbouncer/*.ini",)
SECTION = "pgbouncer"
DEFAULTS = {"pool_mode": "session", "query_wait_timeout": "120", "max_client_conn": "100", "listen_addr": ""}


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    told = {name: value for name, value in of_machine(clone).items() if name != "SM_TRUSTED_PROXIES"}
    for file in sorted(clone.glob(FILES[0])):
        try:
            yield from _judged(Ini(file, clone), Expected(modules, told))
        except ValueError as error:
            yield SM069.finding(str(error), hint="pgbouncer says more")


def _judged(ini: Ini, expected: Expected) -> Iterator[Finding]:
    if SECTION not in ini.options:
        raise ValueError(f"{ini.name} has no section [{SECTION}]")
    said = {**DEFAULTS, **ini.options[SECTION]}
    settings = expected.settings
    if said["pool_mode"] != "transaction":
        yield SM065.finding(
            f"{ini.at(SECTION, 'pool_mode')}: in {said['pool_mode']} mode each process keeps its connections, and statement mode has no "
            "transactions",
            hint="pool_mode = transaction",
        )
    yield from expected.out_of_order(
        ini.at(SECTION, "query_wait_timeout"), {"database.pool_wait": float(said["query_wait_timeout"])}
    )
    wanted = settings.web_processes * settings.database_pool_size
    if int(said["max_client_conn"]) < wanted:
        yield SM052.finding(
            f"{ini.at(SECTION, 'max_client_conn')}: it takes {said['max_client_conn']} connections, and the web processes have up to {wanted}",
            hint=f"max_client_conn = {wanted}, or more",
        )
    if any(is_public(address.strip()) for address in said["listen_addr"].split(",") if address.strip()):
        yield SM063.finding(
            f"{ini.at(SECTION, 'listen_addr')}: reached from outside", hint="listen_addr = 127.0.0.1, or one inside"
        )
    for name, value in ini.options.get("databases", {}).items():
        if re.search(r"\bpassword\s*=", value):
            yield SM060.finding(f"{ini.at('databases', name)}: says a password", hint="userlist.txt, mode 0640")
