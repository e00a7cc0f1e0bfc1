"""Structured logging: every line of web, worker, beat and commands, ours and the libraries', with the correlation id."""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from framework.correlation import correlation_id, new_correlation_id, set_correlation_id


def add_correlation_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["correlation_id"] = correlation_id() or None
    return event


def configure(log_format: str, level: str, process: str) -> None:
    """``json`` writes one object a line to stdout; ``console`` is for people. Safe to call again."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_log_level if log_format == "console" else structlog.processors.add_log_level,
        add_correlation_id,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "json":
        # Straight to bytes: a third of what the standard library's handlers cost a request.
        render: list[Processor] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_to_bytes)]
        library_render: list[Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_to_text),
        ]
        factory: Any = structlog.BytesLoggerFactory(sys.stdout.buffer)
    else:
        console: list[Processor] = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0)]
        render = library_render = console
        factory = structlog.WriteLoggerFactory(sys.stdout)
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    _route_standard_library(shared, library_render, number)
    if not correlation_id():
        # What the process says of itself, outside any request or task, is one story too.
        set_correlation_id(new_correlation_id())
    structlog.get_logger().debug("logging configured", process=process, format=log_format)


def _to_bytes(value: object, **_: Any) -> bytes:
    return orjson.dumps(value, default=repr)


def _to_text(value: object, **_: Any) -> str:
    return orjson.dumps(value, default=repr).decode()


def _route_standard_library(shared: list[Processor], render: list[Processor], level: int) -> None:
    """What libraries log through ``logging`` goes out in the same form."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.task", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # The access log is ours: one line a request, with its route and its id.
    logging.getLogger("uvicorn.access").disabled = True


def _logger_name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event
