"""What happens to Redis, and how it comes back: for the tests of what goes on without it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

import pytest

from tests.faults.servers import LastingValkey
from tests.faults.web import Replicas

LOST, AGAIN = "Redis does not answer; limits", "Redis answers again"
"""What a process logs."""
ROUNDS = 5

type Change = Callable[[LastingValkey], Awaitable[None]]


async def killed(valkey: LastingValkey) -> None:
    valkey.kill()


async def frozen(valkey: LastingValkey) -> None:
    valkey.send(signal.SIGSTOP)


async def back(valkey: LastingValkey) -> None:
    with suppress(ProcessLookupError):
        valkey.send(signal.SIGCONT)
    await asyncio.to_thread(valkey.start)


async def back_without_memory(valkey: LastingValkey) -> None:
    valkey.forget()
    await back(valkey)


every_outage = pytest.mark.parametrize(
    ("happens", "ends"),
    [(killed, back), (killed, back_without_memory), (frozen, back)],
    ids=["killed", "killed, and its disk lost", "frozen"],
)

killed_or_frozen = pytest.mark.parametrize("happens", [killed, frozen], ids=lambda happens: happens.__name__)


def losses(replicas: Replicas) -> int:
    """How often a process gave up on Redis; which happens on a machine that is busy with other things, too."""
    return _said(replicas, LOST)


async def found_again(replicas: Replicas) -> float:
    """Seconds until all processes that gave up on Redis use it again: five at most."""
    began = monotonic()
    while _said(replicas, AGAIN) < losses(replicas):
        assert monotonic() - began < 5, "a process does not find Redis again"
        await asyncio.sleep(0.05)
    return monotonic() - began


async def undisturbed[T](replicas: Replicas, work: Callable[[], Awaitable[T]]) -> T:
    """What ``work`` returns when no process gave up on Redis meanwhile; until then it is done again."""
    for _ in range(ROUNDS):
        before = losses(replicas)
        result = await work()
        if losses(replicas) == before:
            return result
        await found_again(replicas)
    raise AssertionError(f"Redis never answered throughout {ROUNDS} rounds")


def _said(replicas: Replicas, what: str) -> int:
    return sum(replicas.log(number).count(what) for number in range(len(replicas.names)))
