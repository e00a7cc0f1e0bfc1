"""What the embedded servers have in common: one process on a loopback port, its start and its end."""

import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

from framework.embedded.errors import EmbeddedServerError
from framework.embedded.folder import Identity, ServerFolder
from framework.embedded.home import Account, make_folder
from framework.embedded.leash import Leash, signal_group
from framework.embedded.ports import free_port

HOST = "127.0.0.1"
# Nothing of the caller's: PGDATA and its like would change what the programs do.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


class EmbeddedServer(ABC):
    """One server with its data below ``folder``, reachable only from this machine and only with its password.

    Without ``durable`` nothing is flushed to disk and a stop is abrupt: for data that the next test run makes anew.
    The calls block. ``start`` after an unexpected end starts it again, at the same address.
    """

    name: ClassVar[str]
    program: ClassVar[str]
    pid_file: ClassVar[str]
    ending: ClassVar[signal.Signals]
    abrupt_ending: ClassVar[signal.Signals]

    def __init__(self, folder: Path, *, durable: bool = True, leash: Leash | None = None) -> None:
        self.folder = ServerFolder(folder)
        self.durable = durable
        self.account = Account.current()
        self.identity = Identity(port=None, password="")
        self._leash = leash or Leash()
        self._owns_leash = leash is None
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder, where it is missing."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def is_ready(self) -> bool: ...

    def configuration(self) -> str:
        """What the program reads from its standard input: the place for secrets, which a command line is not."""
        return ""

    @property
    def port(self) -> int:
        assert self.identity.port is not None, f"{self.name} was not started"
        return self.identity.port

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
        """Return when the server answers. Ends what a killed owner left running in the folder first.

        Raises ``EmbeddedServerError``.
        """
        self._discard()
        try:
            make_folder(self.folder.path)
            if blocking := self.account.unreachable(self.folder.data):
                raise EmbeddedServerError(
                    f"{self.name} does not run as root, and its unprivileged user cannot pass {blocking} on the way to "
                    f"{self.folder.data}. Choose a folder below framework.embedded.data_home()."
                )
            if not self.folder.lock.acquire():
                raise EmbeddedServerError(f"{self.name} in {self.folder.path} is in use by another process.")
            self.folder.end_leftovers(self.program, self.pid_file, self.ending)
            self.folder.shorten_log()
            self.identity = self.folder.recall()
            self.prepare()
            self._launch(timeout)
        except OSError as error:
            self.stop()
            raise EmbeddedServerError(f"{self.name} could not be started in {self.folder.path}: {error}") from error
        except BaseException:
            self.stop()
            raise

    def wait(self) -> int:
        """Block until the process ends; its exit status as ``subprocess`` gives it. Any thread may wait."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.wait()

    def stop(self, timeout: float = 5) -> None:
        """End the server in good order, and by force after ``timeout`` seconds. Stopping twice is no error."""
        if self._process is not None:
            self._process.send_signal(self.ending if self.durable else self.abrupt_ending)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self._discard()
        if self._owns_leash:
            self._leash.close()
        self.folder.lock.release()

    def erase(self) -> None:
        """Delete the data and everything remembered with it."""
        if not self.folder.path.exists():
            return
        if not self.folder.lock.acquire():
            raise EmbeddedServerError(f"{self.name} in {self.folder.path} is running; stop it first.")
        self.folder.end_leftovers(self.program, self.pid_file, self.ending)
        self.folder.lock.release()
        shutil.rmtree(self.folder.path)

    def _discard(self) -> None:
        if self._process is not None:
            signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._leash.release(self._process.pid)
            self._process = None

    def _launch(self, timeout: float) -> None:
        for _ in range(3):
            self.identity.port = free_port(self.identity.port)
            self.folder.remember(self.identity)
            said = self._attempt(timeout)
            if said is None:
                return
            self._discard()
            # A port that was free when we looked may be gone when the server wants it.
            if "Address already in use" not in said:
                break
        raise EmbeddedServerError(f"{self.name} did not start. The end of {self.folder.log}:\n{_tail(said)}")

    def _attempt(self, timeout: float) -> str | None:
        """Start the process: None when it answers, else what it said."""
        with self.folder.log.open("ab") as log:
            begin = log.tell()
            self._process = process = subprocess.Popen(
                self.command(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
                **self.account.rights,
            )
        self._leash.hold(process.pid, self.ending)
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(self.configuration().encode())
        deadline = time.monotonic() + timeout
        while process.poll() is None and time.monotonic() < deadline:
            if self.is_ready():
                return None
            time.sleep(0.01)
        return self.folder.log.read_bytes()[begin:].decode(errors="replace") or f"No answer within {timeout:.0f} s."


def _tail(text: str | None) -> str:
    return "\n".join((text or "").splitlines()[-15:])
