"""The link writes commands as redis-py does, and tells an outage of Redis from a pause of its own process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvloop
from framework.redis_link import PATIENCE, Argument, RedisLink, RedisUnavailable, Script, packed
from hypothesis import given
from hypothesis import strategies as some
from redis.asyncio import Connection

words = some.one_of(some.text(), some.binary(), some.integers())


@given(some.lists(words, min_size=1, max_size=8))
def test_a_command_travels_as_redis_py_writes_it(command: list[Argument]) -> None:
    theirs = Connection().pack_command("EVALSHA", *command)
    assert packed("EVALSHA", *command) == b"".join(theirs)


ECHO = Script("return ARGV[1]")


@pytest.fixture
async def silence() -> AsyncIterator[str]:
    """A server that takes what it is told, and never answers."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


async def ask_and_pause(url: str) -> bytes:
    link = RedisLink(url, "tests")
    try:
        await link.run(ECHO, [], ["first"])
        asked = asyncio.create_task(link.run(ECHO, [], ["second"]))
        # Until it has been sent.
        for _ in range(5):
            await asyncio.sleep(0)
        time.sleep(2 * PATIENCE)  # noqa: ASYNC251 - as if nobody had let the process compute
        answer: bytes = await asked
        assert link.available
        return answer
    finally:
        await link.close()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_an_answer_that_came_while_the_process_was_paused_counts(loop: type, environment: dict[str, str]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(ask_and_pause(environment["SM_REDIS_URL"])) == b"second"


async def test_no_answer_is_waited_for_longer_than_patience_allows(silence: str) -> None:
    link = RedisLink(silence, "tests")
    began = time.monotonic()
    with pytest.raises(RedisUnavailable):
        await link.run(ECHO, [], ["word"])
    assert PATIENCE <= time.monotonic() - began < 1
    assert not link.available
    await link.close()
