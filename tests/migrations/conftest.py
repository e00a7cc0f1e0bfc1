"""Modules that are really installed, revision by revision: a folder on the path with a distribution's metadata."""

import asyncio
import importlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from textwrap import dedent, indent

import pytest
from framework.database import module_metadata
from framework.migrating.locations import application_root
from framework.migrating.revisions import Revision
from host.migrate import migrate_app
from typer.testing import CliRunner, Result

_numbers = itertools.count()


class InstalledModule:
    """A module outside of the tree, whose revisions a test writes one after the other."""

    def __init__(self, site: Path, name: str) -> None:
        self.name = name
        self.package = site / name
        self.revisions = self.package / "migrations"
        metadata = site / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[seamark.modules]\n{name} = {name}.module:module\n")
        self.revisions.mkdir(parents=True)
        (self.package / "__init__.py").write_text("raise RuntimeError('whoever migrates imports no module')\n")

    def revision(
        self, upgrade: str, *, kind: str = "expand", number: int = 0, after: str = "", runs_since: str = ""
    ) -> str:
        """Write a revision, the next one unless told otherwise; its id. ``upgrade`` is the body of that function."""
        last = len(list(self.revisions.glob("*.py")))
        number = number or last + 1
        id_ = f"{self.name}_{number:04}"
        parent = after or (f"{self.name}_{last:04}" if last else None)
        (self.revisions / f"{number:04}_step.py").write_text(
            dedent(f'''\
                """Step {number}"""

                from alembic import op
                from framework.migrating.operations import create_index_concurrently

                revision = "{id_}"
                down_revision = {parent!r}
                branch_labels = {None if parent else (self.name,)!r}
                depends_on = None
                kind = "{kind}"
                runs_since = "{runs_since}"


                def upgrade() -> None:
                ''')
            + indent(dedent(upgrade).strip(), "    ")
            + "\n\n\ndef downgrade() -> None:\n    pass\n"
        )
        return id_

    def creates_its_table(self) -> str:
        return self.revision(
            f"""
            op.execute("CREATE SCHEMA {self.name}")
            op.execute("CREATE TABLE {self.name}.thing (id int PRIMARY KEY, name text)")
            op.execute("INSERT INTO {self.name}.thing SELECT n, n FROM generate_series(1, 2000) n")
            """
        )

    def indexes_it(self) -> str:
        return self.revision(f'create_index_concurrently("thing_name_ix", "thing", ["name"], schema="{self.name}")')

    def adds_a_column(self) -> str:
        return self.revision(f'op.execute("ALTER TABLE {self.name}.thing ADD COLUMN colour text")')

    def drops_it_again(self, runs_since: str = "") -> str:
        dropped = f'op.execute("ALTER TABLE {self.name}.thing DROP COLUMN colour")'
        return self.revision(dropped, kind="contract", runs_since=runs_since)

    def declares(self, columns: str, *, table_args: str = "()") -> None:
        """Write ``tables.py`` with one table, in place of what it said before."""
        (self.package / "__init__.py").write_text("")
        (self.package / "tables.py").write_text(
            dedent(f"""\
                from uuid import UUID

                from framework.database import module_metadata, type_map
                from sqlalchemy import Index, text
                from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


                class Base(DeclarativeBase):
                    metadata = module_metadata("{self.name}")
                    type_annotation_map = type_map


                class Thing(Base):
                    __tablename__ = "thing"
                    __table_args__ = {table_args}

                    id: Mapped[UUID] = mapped_column(primary_key=True)
                """)
            + indent(dedent(columns).strip(), "    ")
            + "\n"
        )
        # As a new process would see it.
        sys.modules.pop(f"{self.name}.tables", None)
        module_metadata(self.name).clear()
        importlib.invalidate_caches()

    def without_last(self) -> None:
        """What the release before had."""
        max(self.revisions.glob("*.py")).unlink()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], InstalledModule]]:
    """``install()``: another module each time, for this process and for those that a test starts."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", os.fspath(site))
    # A name that was used once stays in the caches of Python's import system and in module_metadata.
    yield lambda: InstalledModule(site, f"fake{next(_numbers)}x{os.getpid()}")
    for name in [name for name in sys.modules if name.startswith("fake")]:
        del sys.modules[name]


@pytest.fixture
def module(install: Callable[[], InstalledModule]) -> InstalledModule:
    return install()


@pytest.fixture(scope="session")
def root() -> Path:
    return application_root(Path(__file__))


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Path:
    """An application's folder of the test's own, in which ``install`` puts its modules."""
    shutil.copytree(root / "migrations", tmp_path / "migrations")
    (tmp_path / "pyproject.toml").write_text("[tool.alembic]\nversion_locations = [\n]\n")
    return tmp_path


class Migrator:
    """A running `sm migrate`."""

    def __init__(self, pid: int, output: Path) -> None:
        self.pid = pid
        self._output = output

    async def says(self, words: str) -> str:
        """Wait until it has; all it said so far."""
        async with asyncio.timeout(60):
            while not self._output.exists() or words not in self._output.read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return self._output.read_text()

    async def end(self) -> str:
        return await self.says("\nexit ")

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


type Start = Callable[[], Migrator]


@pytest.fixture(scope="session")
def forks(root: Path) -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("forks.py")
    with subprocess.Popen(
        [sys.executable, script], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture
def start_migrator(
    forks: subprocess.Popen[str], empty_database: str, module: InstalledModule, tmp_path: Path
) -> Iterator[Start]:
    """``start_migrator()``: another process that migrates the empty database, with ``module`` installed."""
    started: list[Migrator] = []

    def start() -> Migrator:
        output = tmp_path / f"migrator{len(started)}"
        assert forks.stdin is not None
        assert forks.stdout is not None
        forks.stdin.write(f"{module.package.parent} {empty_database} {output}\n")
        forks.stdin.flush()
        started.append(Migrator(int(forks.stdout.readline()), output))
        return started[-1]

    yield start
    for migrator in started:
        migrator.kill()


class Recording:
    """A report that remembers."""

    def __init__(self) -> None:
        self.holders: list[str] = []
        self.planned: list[str] = []
        self.done: list[str] = []
        self.pauses: list[str] = []
        self.remarks: list[str] = []

    def waiting(self, holder: str) -> None:
        self.holders.append(holder)

    def plan(self, revisions: list[Revision]) -> None:
        self.planned = [revision.id for revision in revisions]

    def started(self, revision: Revision) -> None:
        pass

    def finished(self, revision: Revision, seconds: float) -> None:
        self.done.append(revision.id)

    def busy(self, revision: Revision, attempt: int, pause: float) -> None:
        self.pauses.append(revision.id)

    def remark(self, words: str) -> None:
        self.remarks.append(words)


@pytest.fixture(autouse=True)
def without_pgbouncer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrators go past it, and these are told where by ``SM_DATABASE_URL`` alone."""
    for name in ("SM_DATABASE_DIRECT_URL", "SM_DATABASE_PGBOUNCER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def sm_migrate(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[Result]]:
    """``await sm_migrate("--check")``: that command on an empty database."""
    monkeypatch.setenv("SM_DATABASE_URL", empty_database)
    # In a thread, because the command brings an event loop of its own.
    return lambda *arguments: asyncio.to_thread(CliRunner().invoke, migrate_app, arguments)
