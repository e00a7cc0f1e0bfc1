"""What a worker and its relay tell each other arrives as it was said, however the pipe cuts it."""

from itertools import pairwise

import pytest
from background_tasks.relay.protocol import (
    KillChild,
    Lines,
    Message,
    SignOfLife,
    WaitingMessages,
    WorkerIdentity,
    decode,
    encode,
)
from hypothesis import given
from hypothesis import strategies as st

SAID: list[Message] = [
    WorkerIdentity("celery@here", ("default", "mail"), ("mail.send",), 4, "2026.1"),
    SignOfLife({"0198c0de-0000-7000-8000-000000000000": 101}, stopping=True),
    KillChild(101, "0198c0de-0000-7000-8000-000000000000"),
    WaitingMessages(7),
    WaitingMessages(None),
]


@given(st.lists(st.integers(0, sum(len(encode(message)) for message in SAID))))
def test_messages_arrive_whole_however_the_pipe_cuts_them(cuts: list[int]) -> None:
    stream = b"".join(map(encode, SAID))
    edges = [0, *sorted(cuts), len(stream)]
    lines = Lines()
    heard = [m for start, end in pairwise(edges) for m in lines.feed(stream[start:end])]
    assert heard == SAID


@pytest.mark.parametrize("line", [b"", b"hello", b"[]", b'{"alive": 1}', b'{"more": {}}', b'{"kill": {"pid": 1}}'])
def test_what_is_no_message_is_refused_and_passed_over(line: bytes) -> None:
    with pytest.raises(ValueError, match="no message"):
        decode(line)
    assert list(Lines().feed(line + b"\n" + encode(WaitingMessages(1)))) == [WaitingMessages(1)]
