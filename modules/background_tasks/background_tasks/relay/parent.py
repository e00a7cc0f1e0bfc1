"""A relay's end of the pipes to the worker's parent."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from background_tasks.relay.protocol import Lines, Message, SignOfLife, WorkerIdentity, encode


class Parent:
    """What the parent said last."""

    def __init__(self, reads_from: int, writes_to: int) -> None:
        self.identity: WorkerIdentity | None = None
        self.sign = SignOfLife(running={})
        self.heard_at = 0.0
        """By ``time.monotonic``."""
        self._reads_from = reads_from
        self._writes_to = writes_to
        self._lines = Lines()
        os.set_blocking(writes_to, False)

    def listen(self, *, heard: Callable[[], None], gone: Callable[[], None]) -> None:
        """Call ``heard`` when it tells something new, and ``gone`` once it has ended, however it ended."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            if piece := os.read(self._reads_from, 65536):
                news = [self._take(message) for message in self._lines.feed(piece)]
                if any(news):
                    heard()
            else:
                loop.remove_reader(self._reads_from)
                gone()

        loop.add_reader(self._reads_from, read)

    def tell(self, message: Message) -> None:
        """A parent that does not read misses it, which is better than to wait for it."""
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._writes_to, encode(message))

    def _take(self, message: Message) -> bool:
        self.heard_at = monotonic()
        match message:
            case WorkerIdentity():
                self.identity = message
                return True
            case SignOfLife():
                began_to_stop = message.stopping and not self.sign.stopping
                self.sign = message
                return began_to_stop
        return False
