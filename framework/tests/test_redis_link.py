"""The link writes commands as redis-py does."""

from framework.redis_link import Argument, packed
from hypothesis import given
from hypothesis import strategies as some
from redis.asyncio import Connection

words = some.one_of(some.text(), some.binary(), some.integers())


@given(some.lists(words, min_size=1, max_size=8))
def test_a_command_travels_as_redis_py_writes_it(command: list[Argument]) -> None:
    theirs = Connection().pack_command("EVALSHA", *command)
    assert packed("EVALSHA", *command) == b"".join(theirs)
