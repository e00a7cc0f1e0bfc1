"""How a process ends without failing anybody: it says so, serves on, ends what has no end of its own, finishes the rest."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import structlog
from prometheus_client import Gauge

log = structlog.get_logger()
DRAINING = Gauge("seamark_draining", "Whether this process was told to end and serves on meanwhile: 1 or 0.")
AGAIN = 2.0
"""Seconds from which a second SIGTERM is one. Sooner it is the first: systemd tells all processes of a service, and their
parent tells them once more."""


class Drain:
    """What SIGTERM begins: for ``delay`` seconds all is served while ``draining`` tells everybody, then the server ends.

    At that moment event streams and WebSockets are ended, so that their clients connect elsewhere. What still runs
    ``timeout`` seconds later is cancelled. All methods belong to the event loop's thread.
    """

    def __init__(self, delay: float, timeout: float) -> None:
        self.draining = False
        """This process was told to end: readiness says so, and answers carry ``Connection: close``."""
        self.running: set[asyncio.Task[Any]] = set()
        """Those of all requests and WebSockets."""
        self._delay = delay
        self._timeout = timeout
        self._closing = False
        self._told = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._lasting: set[Callable[[], None]] = set()

    def begin(self, then: Callable[[], None]) -> None:
        """SIGTERM: ``then``, which ends the server, is called after the delay. Told again: at once."""
        loop = asyncio.get_running_loop()
        if not self.draining:
            self.draining = True
            DRAINING.set(1)
            self._told = loop.time()
            log.info("draining", seconds=self._delay, running=len(self.running))
            if self._delay:
                self._timer = loop.call_later(self._delay, self.finish, then)
                return
        elif loop.time() - self._told < AGAIN:
            return
        self.finish(then)

    def finish(self, then: Callable[[], None]) -> None:
        """SIGINT, or the end of the delay: nobody is served any more but those who already are."""
        self.draining = True
        DRAINING.set(1)
        if self._timer is not None:
            self._timer.cancel()
        if not self._closing:
            self._closing = True
            log.info("closing", running=len(self.running), lasting=len(self._lasting))
            for end in tuple(self._lasting):
                end()
            asyncio.get_running_loop().call_later(self._timeout, self._cancel)
        then()

    def hold(self, end: Callable[[], None]) -> None:
        """``end`` is called when the delay is over, unless it is let go before: of what does not end by itself."""
        self._lasting.add(end)
        if self._closing:
            end()

    def let_go(self, end: Callable[[], None]) -> None:
        self._lasting.discard(end)

    def _cancel(self) -> None:
        if self.running:
            log.warning("drain_timeout", cancelled=len(self.running))
        for task in tuple(self.running):
            task.cancel()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """While it lasts SIGTERM and SIGINT come here first, and from here to the handlers that the server has set.

        One that the server gave to the event loop (gunicorn's ``asgi`` worker) cannot be found: there the server's
        configuration calls ``begin``. Without a handler there is no server, so there is nothing to do.
        """
        ours = {}
        if threading.current_thread() is threading.main_thread() and _is_of_a_server(signal.getsignal(signal.SIGTERM)):
            for number, begin in ((signal.SIGTERM, self.begin), (signal.SIGINT, self.finish)):
                theirs = signal.getsignal(number)
                if callable(theirs):
                    handler = self._chained(begin, partial(theirs, number, None))
                    signal.signal(number, handler)
                    ours[number] = handler, theirs
        # uvicorn's workers would live on when their parent is killed, and keep its port.
        parent = multiprocessing.parent_process() if ours else None
        loop = asyncio.get_running_loop()
        if parent is not None:
            loop.add_reader(parent.sentinel, _orphaned, parent.sentinel)
        try:
            yield
        finally:
            if parent is not None:
                loop.remove_reader(parent.sentinel)
            for number, (handler, theirs) in ours.items():
                if signal.getsignal(number) is handler:
                    signal.signal(number, theirs)

    def _chained(
        self, begin: Callable[[Callable[[], None]], None], then: Callable[[], object]
    ) -> Callable[[int, FrameType | None], None]:
        loop = asyncio.get_running_loop()

        def end_server() -> None:
            then()

        def handle(number: int, frame: FrameType | None) -> None:
            # Not here: this is between any two instructions of the thread.
            loop.call_soon_threadsafe(begin, end_server)

        return handle


def _orphaned(sentinel: int) -> None:
    asyncio.get_running_loop().remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGINT)


def _is_of_a_server(handler: object) -> bool:
    """Whether it is a function, and not that by which an event loop keeps the default action from happening."""
    module = getattr(handler, "__module__", None) or type(handler).__module__
    return callable(handler) and module.split(".")[0] not in ("asyncio", "uvloop", "_asyncio")
