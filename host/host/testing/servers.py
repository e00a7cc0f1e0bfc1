"""Postgres and Valkey for one test run, and the database that every test's database is copied from."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from framework.embedded import EmbeddedPostgres, EmbeddedValkey
    from framework.embedded.lock import FileLock

    from host.testing.pgbouncer import PgBouncer

TEMPLATE = "seamark_template_"
MARK = "made by the Seamark test suite"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a worker finds what it needs. ``{database}`` stands for the name of a database."""

    postgres: str
    superuser: str
    redis: str
    template: str
    pooled: str = ""
    """Where ``SM_TEST_PGBOUNCER`` is set: as ``postgres``, through PgBouncer."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


class SuiteServers:
    """Started when first asked for. The data folder is kept for the next run, and never used by two runs at once."""

    def __init__(self, root: Path, *, pgbouncer: bool = False) -> None:
        self._root = root
        self._pgbouncer = pgbouncer
        self._addresses: Addresses | None = None
        self._lock: FileLock | None = None
        self._running: list[EmbeddedPostgres | EmbeddedValkey | PgBouncer] = []

    def start(self) -> Addresses:
        if self._addresses is None:
            from framework.embedded import EmbeddedServerError, EmbeddedValkey

            folder = self._folder()
            try:
                postgres = self._postgres(folder)
            except EmbeddedServerError:
                # What a run left behind is worth seconds; it is not worth a failure.
                shutil.rmtree(folder / "postgres", ignore_errors=True)
                postgres = self._postgres(folder)
            valkey = EmbeddedValkey(folder / "valkey", durable=False)
            valkey.start()
            self._running.append(valkey)
            self._addresses = Addresses(
                postgres=postgres.url("{database}"),
                superuser=postgres.url("{database}", "postgres").replace("+asyncpg", ""),
                redis=valkey.url(0).removesuffix("/0"),
                template=TEMPLATE + _fingerprint(),
                pooled=self._pooled(folder, postgres) if self._pgbouncer else "",
            )
            _in_thread(_make_template(self._addresses, self._root))
        return self._addresses

    def __enter__(self) -> Addresses:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        for server in self._running:
            server.stop()
        self._running.clear()
        if self._lock is not None:
            self._lock.release()

    def _folder(self) -> Path:
        """The first one that no other run has."""
        from framework.embedded import data_home
        from framework.embedded.home import make_folder
        from framework.embedded.lock import FileLock

        number = 0
        while True:
            folder = data_home(self._root) / "test" / str(number)
            make_folder(folder)
            self._lock = FileLock(folder / "run.lock")
            if self._lock.acquire():
                return folder
            number += 1

    def _postgres(self, folder: Path) -> "EmbeddedPostgres":
        import psutil
        from framework.embedded import EmbeddedPostgres

        # Nothing was flushed to disk, so a machine that went down since may have left anything at all.
        started, known = int(psutil.boot_time()), folder / "machine_started"
        if not known.exists() or abs(int(known.read_text()) - started) > 60:
            shutil.rmtree(folder / "postgres", ignore_errors=True)
        known.write_text(str(started))
        postgres = EmbeddedPostgres(folder / "postgres", durable=False)
        postgres.start()
        self._running.append(postgres)
        return postgres

    def _pooled(self, folder: Path, postgres: "EmbeddedPostgres") -> str:
        from host.testing.pgbouncer import PgBouncer

        shutil.rmtree(folder / "pgbouncer", ignore_errors=True)
        password = postgres.identity.password
        roles = {"seamark": password, "postgres": password}
        bouncer = PgBouncer(folder / "pgbouncer", postgres.port, roles, {"default_pool_size": "20"})
        bouncer.start()
        self._running.append(bouncer)
        return postgres.url("{database}").replace(f":{postgres.port}/", f":{bouncer.port}/")


def _fingerprint() -> str:
    """Changes with any revision of any installed module, and with what runs them."""
    from framework.migrating.locations import locations

    from framework import migrating

    digest = hashlib.blake2b(digest_size=8)
    for folder in [*locations().values(), Path(migrating.__file__).parent]:
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


async def _make_template(addresses: Addresses, root: Path) -> None:
    """Migrate an empty database as production does, and drop what other runs left."""
    import asyncpg
    from framework.migrating.runner import migrate

    connection = await asyncpg.connect(addresses.superuser.format(database="postgres"))
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'seamark\\_%'")
        existing = {row["datname"] for row in rows}
        for name in existing - {addresses.template}:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        # Migrated in any case: who is told of which event may have changed without a revision.
        if addresses.template in existing:
            await connection.execute(f"ALTER DATABASE {addresses.template} RENAME TO seamark_unfinished")
        else:
            await connection.execute("CREATE DATABASE seamark_unfinished OWNER seamark")
        await migrate(addresses.postgres.format(database="seamark_unfinished"), root, _Silent())
        await connection.execute(f"ALTER DATABASE seamark_unfinished RENAME TO {addresses.template}")
    finally:
        await connection.close()


def _in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Beside the event loop of the tests, which may exist already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


class _Silent:
    def waiting(self, holder: str) -> None: ...
    def plan(self, revisions: object) -> None: ...
    def started(self, revision: object) -> None: ...
    def finished(self, revision: object, seconds: float) -> None: ...
    def busy(self, revision: object, attempt: int, pause: float) -> None: ...
    def remark(self, words: str) -> None: ...
