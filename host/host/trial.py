"""A throw-away installation as production runs it: servers of its own, migrated, real processes on free ports.

For what must not be shortened: browser tests, fault tests, benchmarks. Nothing of a running ``sm dev`` is touched.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from framework.embedded import EmbeddedPostgres, EmbeddedValkey, Leash, data_home
from framework.embedded.home import make_folder
from framework.embedded.leash import signal_group
from framework.embedded.ports import free_port

from host.dev.environment import CLONE

ADMINISTRATOR = ("admin@example.com", "correct horse battery staple")
CELERY = ("-m", "celery", "-A", "background_tasks.celery_app")
PATIENCE = 60.0
ONE_CLIENT = "; ".join(f"{name}=1000000/1" for name in ("seamark.address", "seamark.principal", "users.sign_in"))
"""Rate limits for when all that is asked comes from one address: counted, and out of reach."""
_numbers = count(1)


class Trial:
    """``environment`` is what every process gets; change it before starting one.

    ``durable`` is for what survives its servers: Postgres flushes what it commits. Without, it is faster.
    """

    def __init__(
        self,
        folder: Path,
        clone: Path = CLONE,
        *,
        durable: bool = False,
        valkey: type[EmbeddedValkey] = EmbeddedValkey,
    ) -> None:
        self.folder = folder
        self.clone = clone
        self.leash = Leash()
        self.postgres = EmbeddedPostgres(folder / "postgres", durable=durable, leash=self.leash)
        self.valkey = valkey(folder / "valkey", durable=False, leash=self.leash)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment: dict[str, str] = {}
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def prepare(self) -> None:
        """Start the servers, bring the database to head, name the first administrator."""
        self.postgres.start()
        self.valkey.start()
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SM_")}
        self.environment = inherited | {
            "SM_ENVIRONMENT": "test",
            "SM_DATABASE_URL": self.postgres.url(),
            "SM_REDIS_URL": self.valkey.url(),
            "SM_SECRET_KEY": secrets.token_urlsafe(48),
            "SM_PUBLIC_URL": self.url,
            "SM_RATE_LIMITS": ONE_CLIENT,
            "SM_USERS_BOOTSTRAP_EMAIL": ADMINISTRATOR[0],
            "SM_USERS_BOOTSTRAP_PASSWORD": ADMINISTRATOR[1],
        }
        self.run("-m", "host.cli", "migrate")

    def run(self, *python: str) -> str:
        """What ``python …`` prints. Raises ``RuntimeError`` with that when it fails."""
        done = subprocess.run(
            [sys.executable, *python],
            cwd=self.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(python)} failed with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def start(self, name: str, *python: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """``python …`` in the background; what it prints is in ``<name>.log``. ``environment`` adds to that of all."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *python],
                cwd=self.clone,
                env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.leash.hold(process.pid)
        self.processes[name] = process
        return process

    def start_web(self, app: str = "host.main:app", name: str = "web") -> subprocess.Popen[bytes]:
        """uvicorn at ``url``; returns when it is ready to serve."""
        process = self.serve(app, name, self.port)
        self.wait_for(f"{self.url}/health/ready", name)
        return process

    def serve(self, app: str, name: str, port: int) -> subprocess.Popen[bytes]:
        return self.start(name, "-m", "uvicorn", app, "--port", str(port), "--no-access-log")

    def start_worker(self, concurrency: int = 2) -> subprocess.Popen[bytes]:
        """Returns when it takes tasks."""
        process = self.start("worker", *CELERY, "worker", "-l", "info", "-c", str(concurrency))
        self.wait_until(lambda: " ready." in self.log("worker").read_text(), "worker")
        return process

    def start_beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat", *CELERY, "beat", "-l", "info")

    def wait_for(self, url: str, name: str) -> None:
        """Until ``url`` answers 200. Raises as ``wait_until``."""
        self.wait_until(lambda: answers(url), name)

    def wait_until(self, condition: Callable[[], bool], name: str) -> None:
        """Raises ``RuntimeError`` with the end of its log when the process ``name`` ends meanwhile or takes too long."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not become ready:\n{self.log(name).read_text()[-4000:]}")
            time.sleep(0.05)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, 9)
            process.wait()
        self.leash.release(process.pid)

    def close(self) -> None:
        for name in list(self.processes):
            self.stop(name)
        self.valkey.stop()
        self.postgres.stop()
        self.leash.close()


def answers(url: str) -> bool:
    """Whether there is a 200 at ``url``."""
    try:
        with urlopen(url, timeout=5):  # noqa: S310 - an address of our own
            return True
    except (HTTPError, URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def trial(
    clone: Path = CLONE, *, durable: bool = False, valkey: type[EmbeddedValkey] = EmbeddedValkey
) -> Iterator[Trial]:
    """A prepared installation; everything of it is gone afterwards."""
    folder = data_home(clone) / f"trial-{os.getpid()}-{next(_numbers)}"
    make_folder(folder)
    installation = Trial(folder, clone, durable=durable, valkey=valkey)
    try:
        installation.prepare()
        yield installation
    finally:
        installation.close()
        shutil.rmtree(folder, ignore_errors=True)
