"""What happens to Redis, and how it comes back: for the tests of what goes on without it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tests.faults.servers import LastingValkey

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
