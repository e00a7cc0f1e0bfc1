"""The relay beside a worker, as the worker's parent sees it: a process that is told things and says things."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import structlog

from background_tasks.relay.protocol import Lines, Message, WorkerIdentity, encode

log = structlog.get_logger()
PATIENCE = 2.0


class RelayProcess:
    """A process of its own, because a thread of the parent's would be copied, half alive, into every child it forks.

    Pipes tie them together: when the parent ends, however it ends, the relay reads the end of its input and ends too.
    """

    def __init__(self, identity: WorkerIdentity) -> None:
        command = [sys.executable, "-m", "background_tasks.relay", "--worker"]
        # Out of the terminal's reach: at Ctrl-C the worker still has tasks that may enqueue others.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._input.fileno(), False)
        os.set_blocking(self._output.fileno(), False)
        self._lines = Lines()
        self.tell(identity)

    @property
    def exit_status(self) -> int | None:
        """``None`` while it runs."""
        return self._process.poll()

    def tell(self, message: Message) -> None:
        # A pipe is full when the relay hangs: then the worker's silence is not its own, and the relay's to explain.
        with suppress(BlockingIOError, BrokenPipeError):
            self._input.write(encode(message))

    def hear(self) -> Iterator[Message]:
        """What it has said since it was last heard."""
        with suppress(BlockingIOError):
            while piece := self._output.read(65536):
                yield from self._lines.feed(piece)

    def let_go(self) -> None:
        """Close this end of the pipes: the relay ends by itself."""
        self._input.close()
        self._output.close()

    def stop(self) -> None:
        self.let_go()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            log.warning("relay does not end, killing it")
            self._process.kill()
            self._process.wait()
