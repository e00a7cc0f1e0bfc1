"""A task's limits are the deadline of what it does."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.deadline import remaining
from framework.tasks.failures import SoftLimitError
from framework.tasks.signals import Signal
from framework.tasks.stopping import Endless
from framework.tasks.watch import OutOfTimeError, watched
from sqlalchemy import text

type Build = Callable[..., FastAPI]


class StoppingIn:
    """A worker that has been told to end."""

    def __init__(self, seconds: float) -> None:
        self._at = asyncio.get_running_loop().time() + seconds

    def is_set(self) -> bool:
        return True

    def deadline(self) -> float:
        return self._at


@pytest.fixture
def application(build: Build, scratch_url: str, application_of: Callable[[FastAPI], Application]) -> Application:
    return application_of(build(database_url=scratch_url))


@pytest.fixture
def signal(application: Application) -> Signal:
    return Signal(application.database, uuid4())


async def test_what_is_left_is_its_soft_limit(signal: Signal) -> None:
    async with watched(signal, Endless(), 50):
        assert 49 < remaining(1000) <= 50
    assert remaining(1000) == 1000


async def test_and_no_more_than_its_worker_has(signal: Signal) -> None:
    async with watched(signal, StoppingIn(5), 50):
        assert 4 < remaining(1000) <= 5


async def test_it_bounds_its_statements(signal: Signal, application: Application) -> None:
    async with watched(signal, Endless(), 5), application.database.unit_of_work() as session:
        shown: Any = await session.scalar(text("SHOW statement_timeout"))
    assert int(shown.removesuffix("ms")) <= 5250


@pytest.mark.parametrize(
    ("stopping", "soft_limit", "error"), [(None, 0.05, SoftLimitError), (0.05, 50, OutOfTimeError)]
)
async def test_it_ends_the_task(
    signal: Signal, stopping: float | None, soft_limit: float, error: type[Exception]
) -> None:
    told = Endless() if stopping is None else StoppingIn(stopping)
    with pytest.raises(error):
        async with watched(signal, told, soft_limit):
            await asyncio.sleep(60)
    assert remaining(1000) == 1000
