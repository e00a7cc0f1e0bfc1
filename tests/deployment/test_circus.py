"""circusd with the shipped file: processes that share its socket."""

import os
import stat
from configparser import RawConfigParser
from pathlib import Path

from host.dev.environment import CLONE
from host.trial import Trial

from tests.deployment.managed import BIN, Managed, adapted, exercise, folder
from tests.faults.conftest import Report

__all__ = ["folder"]
SHIPPED = CLONE / "deploy" / "circus" / "circus.ini"
NGINX = 33
"""The group www-data of Debian."""


class Circus(Managed):
    def __init__(self, trial: Trial, folder: Path) -> None:
        self.endpoint = f"ipc://{folder}/circus.ipc"
        written = RawConfigParser()
        written.read_string(adapted(SHIPPED, folder))
        for section in ("watcher:worker", "watcher:beat"):
            written.remove_section(section)
        for section in written.sections():
            for option in ("uid", "gid"):
                written.remove_option(section, option)
        configuration = folder / "circus.ini"
        with configuration.open("w") as file:
            written.write(file)
        # As the guide makes it, for nginx' group.
        self.group = NGINX if os.geteuid() == 0 else os.getegid()
        os.chown(folder, -1, self.group)
        folder.chmod(0o2755)
        self.socket = folder / "web.sock"
        super().__init__(trial, ["circusd", str(configuration)], uds=self.socket)

    def who_may_connect(self) -> tuple[int, int]:
        """The socket's mode and group."""
        status = self.socket.stat()
        return stat.S_IMODE(status.st_mode), status.st_gid

    async def control(self, *words: str) -> None:
        await self.run(str(BIN / "circusctl"), "--endpoint", self.endpoint, "--timeout", "60", *words)

    async def one_more(self) -> None:
        await self.control("incr", "web")

    async def one_less(self) -> None:
        await self.control("decr", "web")

    async def reload(self) -> None:
        await self.control("reload", "web")


async def test_serves_heals_scales_reloads_and_drains(prepared: Trial, folder: Path, report: Report) -> None:
    async with Circus(prepared, folder) as circus:
        assert circus.who_may_connect() == (0o770, circus.group)
        await exercise(circus, report)
