"""What the embedded servers have in common: a folder, a port, a password, one process, and its end."""

import errno
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

from framework.embedded.home import Account, make_folder
from framework.embedded.leash import Leash
from framework.embedded.ports import free_port

HOST = "127.0.0.1"


class EmbeddedServerError(RuntimeError):
    """The server could not be started; the message says why and what to do."""


class EmbeddedServer(ABC):
    """One server on a free loopback port, with its data below ``folder``.

    Port and password stay the same from one start to the next while the port is free, so that other programs may remember them.
    Without ``durable`` nothing is flushed to disk and a stop is a kill: for data that the next test run makes anew.
    Blocking; ``start`` and ``stop`` belong to one thread at a time, ``wait`` may be anywhere.
    """

    name: ClassVar[str]
    program: ClassVar[str]
    ending: ClassVar[signal.Signals]

    def __init__(self, folder: Path, *, durable: bool = True, leash: Leash | None = None) -> None:
        self.folder = folder.absolute()
        self.durable = durable
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.port = 0
        self.password = ""
        self.account = Account.current()
        self._leash = leash or Leash()
        self._owns_leash = leash is None
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder, where it is missing."""

    @abstractmethod
    def _command(self) -> tuple[list[str], str]:
        """The command line and what the program reads from its standard input."""

    @abstractmethod
    def _is_ready(self) -> bool: ...

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self, timeout: float = 60) -> None:
        """Returns when the server answers. Ends what a killed owner left running in this folder first.

        Raises ``EmbeddedServerError``.
        """
        make_folder(self.folder)
        if blocked := self.account.unreachable(self.data):
            raise EmbeddedServerError(
                f"{self.name} cannot run as root, and its unprivileged user cannot reach {self.data} through {blocked}. "
                "Choose a folder below framework.embedded.data_home()."
            )
        self._take_lock()
        try:
            self._end_leftovers()
            self._load_identity()
            self._prepare()
            for attempt in range(3):
                self.port = free_port(self.port or None)
                self._save_identity()
                if self._launch(timeout, last=attempt == 2):
                    return
                self.port = 0
        except OSError as error:
            self._release_lock()
            raise EmbeddedServerError(f"{self.name} could not be started in {self.folder}: {error}") from error
        except BaseException:
            self.stop()
            raise

    def wait(self) -> int:
        """Blocks until the process ends, and returns its exit status as ``subprocess`` gives it."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.wait()

    def stop(self, timeout: float = 5) -> None:
        """Ends the server in good order, by force after ``timeout`` seconds. Nothing to do is no error."""
        process, self._process = self._process, None
        if process is not None:
            _signal(process.pid, self.ending if self.durable else signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout)
            # The whole group: Postgres is many processes, and one that is busy outlives a killed postmaster.
            _signal(process.pid, signal.SIGKILL)
            process.wait()
            self._leash.release(process.pid)
        if self._owns_leash:
            self._leash.close()
        self._release_lock()

    def _launch(self, timeout: float, *, last: bool) -> bool:
        """Start the process and wait for it; False when someone took the port in between."""
        command, text = self._command()
        with self.log.open("ab") as log:
            begin = log.tell()
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.environment,
                start_new_session=True,
                **self.account.rights,
            )
        self._process = process
        self._leash.hold(process.pid, self.ending)
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(text.encode())
        deadline = time.monotonic() + timeout
        while process.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                return True
            time.sleep(0.01)
        said = self.log.read_bytes()[begin:].decode(errors="replace").strip()
        died = process.poll() is not None
        self.stop_process()
        if died and os.strerror(errno.EADDRINUSE).lower() in said.lower() and not last:
            return False
        raise EmbeddedServerError(
            f"{self.name} {f'ended with status {process.returncode}' if died else f'did not answer within {timeout:.0f} s'}. "
            f"The end of {self.log}:\n" + "\n".join(said.splitlines()[-15:])
        )
