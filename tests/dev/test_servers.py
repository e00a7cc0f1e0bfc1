"""The servers of a clone, from one run to the next."""

import io
import shutil
from pathlib import Path

import pytest
from framework.embedded import Leash
from host.dev.console import Console
from host.dev.servers import Servers


@pytest.fixture
def clone(tmp_path: Path, home: Path) -> Path:
    (tmp_path / ".seamark").mkdir()
    return tmp_path


async def run(clone: Path) -> Servers:
    servers = Servers(clone, {}, Leash())
    try:
        await servers.start(Console(io.StringIO()))
    finally:
        await servers.stop()
    return servers


async def test_data_stays_from_one_run_to_the_next(clone: Path) -> None:
    (await run(clone)).note_administrator()
    assert (await run(clone)).has_administrator


async def test_a_new_clone_in_the_same_place_begins_anew(clone: Path) -> None:
    (await run(clone)).note_administrator()
    shutil.rmtree(clone / ".seamark")
    (clone / ".seamark").mkdir()
    assert not (await run(clone)).has_administrator


async def test_a_server_that_a_person_named_is_used_instead(clone: Path) -> None:
    named = {"SM_DATABASE_URL": "postgresql+asyncpg://a@b/c", "SM_REDIS_URL": "redis://d"}
    servers = Servers(clone, named, Leash())
    await servers.start(Console(io.StringIO()))
    assert servers.addresses() == named
    assert servers.embedded == []
