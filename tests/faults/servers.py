import os
import shutil
import signal

from framework.embedded import EmbeddedValkey


class LastingValkey(EmbeddedValkey):
    """As in production it has an append-only file, flushed every second: what it took it has again after a kill."""

    def configuration(self) -> str:
        return f"{super().configuration()}appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n"

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()

    def forget(self) -> None:
        """Its disk is lost, too."""
        shutil.rmtree(self.folder.data / "appendonlydir")
