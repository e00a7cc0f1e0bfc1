"""Structured logging: every line of web, worker, beat and commands, ours and the libraries', with the correlation id."""

import json
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime
from typing import Any, BinaryIO, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from framework.correlation import correlation_id, new_correlation_id

# Write whole URLs to the log, and some services are given their keys there. Calls are logged by ours (framework/outgoing).
INDISCREET = ("httpx", "httpcore")
# SQLAlchemy names a pool's logger after its class, so that of ours would not be as quiet as its own are.
CHATTY = ("framework.pool",)
LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.task", "alembic")
# What a process says of itself, outside any request, task or command, is one story too.
_process_id = new_correlation_id()
listener: ContextVar[Callable[[EventDict], None] | None] = ContextVar("log_listener", default=None)
"""Is given each line that our own code logs in this context, before it is written. It must not keep the dictionary."""


def tell_listener(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if (listen := listener.get()) is not None:
        listen(event)
    return event


def add_correlation_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["correlation_id"] = correlation_id() or _process_id
    return event


class _Patient:
    """A full disk, or nobody at the other end of the pipe, costs log lines and no requests."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> None:
        with suppress(OSError):
            self._file.write(line)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()


def _name(process: str) -> Processor:
    def add_process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("process", process)
        return event

    return add_process


def configure(log_format: str, level: str, process: str, *, stream: TextIO | None = None) -> None:
    """``json`` writes one object a line, ``console`` is for people. Safe to call again.

    A server logs to standard output (twelve-factor, XI); a command, whose standard output is its answer, gives
    ``stream=sys.stderr``.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    out = stream or sys.stdout
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    render: list[Processor]
    library_render: list[Processor]
    if log_format == "console":
        # The machine's own clock, to the second: a person watches, and the line is long enough.
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
    shared: list[Processor] = [structlog.processors.add_log_level, add_correlation_id, stamp]
    if log_format == "json":
        # After the listener, which keeps what was said and not who wrote it.
        complete: list[Processor] = [_name(process), structlog.processors.format_exc_info]
        # Straight to bytes: a third of what the standard library's handlers cost a request.
        render = [*complete, structlog.processors.JSONRenderer(to_json)]
        library_render = [*complete, structlog.processors.JSONRenderer(_to_text)]
        factory: Any = structlog.BytesLoggerFactory(cast("BinaryIO", _Patient(out.buffer)))
    else:
        # Plain: the default shows the variables of every frame, secrets among them.
        plain = structlog.dev.plain_traceback
        render = [
            _for_people,
            structlog.dev.ConsoleRenderer(
                colors=out.isatty(), pad_event_to=0, sort_keys=False, exception_formatter=plain
            ),
        ]
        library_render = render
        factory = structlog.WriteLoggerFactory(out)
    structlog.configure(
        processors=[*shared, tell_listener, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        # Worth 1.5 µs a line to a server in production. Commands and tests are configured more than once.
        cache_logger_on_first_use=log_format == "json" and stream is None,
    )
    _route_standard_library(shared, library_render, number, out)
    structlog.get_logger().debug("logging configured", process=process, format=log_format)


def _for_people(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    readable = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in event.items()}
    return {name: value for name, value in readable.items() if value is not None}


def to_json(value: object, **_: Any) -> bytes:
    """One line, whatever is in it."""
    try:
        return orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Half a surrogate pair or a number of more than 64 bits: rare, and no reason to lose the line.
        return json.dumps(value, default=repr).encode()


def _to_text(value: object, **_: Any) -> str:
    return to_json(value).decode()


def _route_standard_library(shared: list[Processor], render: list[Processor], level: int, out: TextIO) -> None:
    """What libraries log through ``logging`` goes out in the same form."""
    handler = logging.StreamHandler(out)
    # On the handler too: uvicorn and Celery give their loggers levels of their own.
    handler.setLevel(level)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in (*INDISCREET, *CHATTY):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # The access log is ours: one line a request, with its route and its id. Without a handler, uvicorn writes none.
        logger.propagate = name != "uvicorn.access"


def _logger_name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event
