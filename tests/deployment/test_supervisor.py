"""supervisord with the shipped files: processes that share its socket, and processes with a socket each."""

from configparser import RawConfigParser
from pathlib import Path

import httpx
from host.dev.environment import CLONE
from host.trial import Trial

from tests.deployment.managed import BIN, Managed, adapted, exercise, folder
from tests.faults.conftest import Report

__all__ = ["folder"]
SHIPPED = CLONE / "deploy" / "supervisor"
ROOTS = ("user", "socket_owner")


class Supervisor(Managed):
    def __init__(self, trial: Trial, folder: Path, *, each: bool = False) -> None:
        self.configuration = folder / "supervisord.conf"
        written = RawConfigParser()
        for file in ("seamark.conf", *(["socket-each.conf"] if each else [])):
            written.read_string(adapted(SHIPPED / file, folder))
        for section in ("program:worker", "program:beat", *(["fcgi-program:web"] if each else [])):
            written.remove_section(section)
        web = written["program:web" if each else "fcgi-program:web"]
        web["startsecs"] = "1"
        # Another one than those that run from the beginning, for when more are wanted.
        web["numprocs"] = "2" if each else "3"
        for section in written.sections():
            for option in ROOTS:
                written.remove_option(section, option)
        with self.configuration.open("w") as configuration:
            written.write(configuration)
        command = ["supervisord", "-n", "-c", str(self.configuration)]
        super().__init__(trial, command, uds=folder / "web.sock", count=2 if each else 3)

    async def control(self, *words: str) -> None:
        await self.run(str(BIN / "supervisorctl"), "-c", str(self.configuration), *words)

    async def one_more(self) -> None:
        await self.control("start", "web:web-2")

    async def one_less(self) -> None:
        await self.control("stop", "web:web-2")

    async def reload(self) -> None:
        for number in range(2):
            await self.control("restart", f"web:web-{number}")


async def test_serves_heals_scales_restarts_and_drains(prepared: Trial, folder: Path, report: Report) -> None:
    async with Supervisor(prepared, folder) as supervisor:
        await supervisor.one_less()
        await exercise(supervisor, report)


async def test_each_process_may_have_a_socket_of_its_own(prepared: Trial, folder: Path) -> None:
    async with Supervisor(prepared, folder, each=True):
        for number in range(2):
            transport = httpx.AsyncHTTPTransport(uds=str(folder / f"web-{number}.sock"))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                assert (await client.get("/health/ready")).status_code == 200
