"""``sm relay`` as a process of its own."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

Eventually = Callable[..., Awaitable[Any]]
InBroker = Callable[[], Awaitable[list[int]]]
AddRows = Callable[..., Awaitable[list[UUID]]]
SM_RELAY = ("-m", "host.cli", "relay")


@asynccontextmanager
async def running(*python: str, **environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *python, env=os.environ | environment, stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_publishes_until_it_is_told_to_end(
    environment: dict[str, str], add_rows: AddRows, in_broker: InBroker, eventually: Eventually, number: signal.Signals
) -> None:
    async def published() -> bool:
        return await in_broker() == [0, 3, 0]

    async with running(*SM_RELAY) as process:
        await add_rows(3)
        await eventually(published, seconds=60)  # two interpreters start one after the other
        process.send_signal(number)
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@pytest.mark.parametrize("python", [SM_RELAY, ("-m", "background_tasks.relay")])
async def test_it_says_which_setting_is_wrong(environment: dict[str, str], python: tuple[str, ...]) -> None:
    async with running(*python, SM_REDIS_URL="nowhere", SM_DATABASE_URL="sqlite://") as process:
        output, _ = await process.communicate()
    assert process.returncode == 1
    said = output.decode()
    assert "SM_REDIS_URL is invalid: must start with redis://" in said
    assert "SM_DATABASE_URL is invalid: must start with postgresql+asyncpg://" in said
    assert "Traceback" not in said


async def test_beside_a_worker_it_ends_with_it_however_that_ended(environment: dict[str, str]) -> None:
    async with running("-m", "background_tasks.relay", "--worker") as process:
        assert process.stdin is not None
        process.stdin.close()
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
