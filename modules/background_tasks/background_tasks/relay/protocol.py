"""What a worker's parent and its relay tell each other through the relay's standard input and output: JSON, a line each.

The end of standard input says that the parent has gone, however it went.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass

import orjson


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """The parent's first line: what it runs, for the row that describes it to others."""

    name: str
    queues: tuple[str, ...]
    tasks: tuple[str, ...]
    """The names it knows."""
    concurrency: int
    release: str
    """The version of the application that is installed there."""


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """The parent, every second from its consumer's loop: what no longer consumes goes silent."""

    running: dict[str, int]
    """By task row: the process id of the child that has begun it (Celery's ``state.active_requests``)."""
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class KillChild:
    """The relay: the child holds on to a task that was cancelled long ago. Not when it has another by now."""

    pid: int
    task_id: str


@dataclass(frozen=True, slots=True)
class WaitingMessages:
    """The relay, every second: what waits in the broker for the queues of this worker."""

    count: int | None
    """Unknown while the broker does not answer."""


type Message = WorkerIdentity | SignOfLife | KillChild | WaitingMessages
_words: dict[Callable[..., Message], str] = {
    WorkerIdentity: "worker",
    SignOfLife: "alive",
    KillChild: "kill",
    WaitingMessages: "waiting",
}
_types = {word: message_type for message_type, word in _words.items()}


def encode(message: Message) -> bytes:
    """A line with its end."""
    return orjson.dumps({_words[type(message)]: asdict(message)}, option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Message:
    """Raises ``ValueError`` for what is no message."""
    try:
        [(word, values)] = orjson.loads(line).items()
        return _types[word](**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no message of a worker or its relay: {line[:200]!r}") from error


class Lines:
    """Puts the pieces in which a pipe delivers lines together."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Message]:
        """The messages that ``piece`` completes. What is none was printed by some library, and is passed over."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            with suppress(ValueError):
                yield decode(line)
