"""Hands errors over from a thread of its own: nobody waits for whoever collects them, and nothing of it fails a request."""

import asyncio
import inspect
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic
from typing import Literal

import structlog
from prometheus_client import Counter

from framework.correlation import correlation_id
from framework.error_reports.report import ErrorReport, links_of
from framework.settings import Settings

log = structlog.get_logger()
type Report = Callable[[ErrorReport], object]
MOST_WAITING = 100
FAREWELL = 2.0
"""Seconds that the end of a process waits for what is still to be handed over."""
REPORTS = Counter("seamark_error_reports", "Errors for SM_ERROR_REPORTER: sent, failed or dropped.", ["outcome"])


class ErrorReporter:
    """Does nothing where ``SM_ERROR_REPORTER`` is unset. Its methods never raise and never wait."""

    def __init__(self, settings: Settings) -> None:
        self._named = settings.error_reporter
        self._environment = settings.environment
        self._release = settings.revision or version("seamark-framework")
        self._waiting: Queue[ErrorReport] = Queue(MOST_WAITING)
        self._thread: Thread | None = None
        self._ending = Event()

    def request(self, error: BaseException, name: str, module: str) -> None:
        """One that nobody handled; ``name`` is method and route."""
        self._report("request", error, name, module)

    def task(self, error: BaseException, name: str) -> None:
        """Of one that has failed for good."""
        self._report("task", error, name, name.partition(".")[0])

    async def close(self) -> None:
        """Waits ``FAREWELL`` at most; what is not handed over by then is in the log all the same."""
        self._ending.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, FAREWELL)

    def _report(self, kind: Literal["request", "task"], error: BaseException, name: str, module: str) -> None:
        if self._named is None:
            return
        try:
            report = ErrorReport(
                kind=kind,
                name=name,
                module=module,
                chain=links_of(error),
                correlation_id=correlation_id(),
                release=self._release,
                environment=self._environment,
                process=f"{socket.gethostname()}:{os.getpid()}",
                at=datetime.now(UTC),
            )
            self._waiting.put_nowait(report)
            if self._thread is None:
                # Not before: a worker's children are forked, and a thread does not come along.
                self._thread = Thread(target=self._hand_over, name="error reports", daemon=True)
                self._thread.start()
        except Full:
            REPORTS.labels("dropped").inc()
        except Exception as trouble:  # noqa: BLE001 - such as an exception whose text raises
            REPORTS.labels("failed").inc()
            log.warning("error not reported", error=type(error).__name__, because=type(trouble).__name__)

    def _hand_over(self) -> None:
        report = None
        until = float("inf")
        while monotonic() < until:
            if self._ending.is_set():
                until = min(until, monotonic() + FAREWELL)
            try:
                waiting = self._waiting.get(timeout=0.2)
            except Empty:
                if self._ending.is_set():
                    return
                continue
            try:
                report = report or reporter_named(str(self._named))
                report(waiting)
                REPORTS.labels("sent").inc()
            except Exception as trouble:  # noqa: BLE001 - the reporter's own
                REPORTS.labels("failed").inc()
                log.warning("error not reported", error=waiting.error.type, because=repr(trouble))


def reporter_named(name: str) -> Report:
    """The function that ``package.module:function`` names. Raises ``ValueError`` with what is wrong with it."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ValueError("must be package.module:function")
    try:
        found = getattr(import_module(module), attribute)
    except AttributeError:
        raise ValueError(f"{module} has no {attribute}") from None
    except Exception as error:
        raise ValueError(f"importing {module} raised {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ValueError(f"{name} cannot be called")
    if inspect.iscoroutinefunction(found):
        raise ValueError(f"{name} is async; it is called in a thread of its own, so it may block")
    report: Report = found
    return report
