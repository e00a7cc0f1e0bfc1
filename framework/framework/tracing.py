"""OpenTelemetry: traces from a request to its statements, tasks and outgoing calls. Off unless ``SM_TRACES_ENDPOINT`` is set.

What records and sends is not imported before that. Span names and attributes are those of its semantic conventions; values
of parameters, headers, bodies and queries are in none of them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from framework import trace_context
from framework.correlation import correlation_id
from framework.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanKind, Tracer
    from sqlalchemy import Connection, Engine

LONGEST_STATEMENT = 2000
FLUSH = 5.0
"""Seconds that a process which ends gives the collector."""
_tracer: "Tracer | None" = None


def start(settings: Settings, process: str) -> Callable[[], None] | None:
    """Record from now on, once a process; after its fork, because sending takes a thread. Returns what flushes and ends it.

    ``None``: tracing is off. What the SDK reads from ``OTEL_…`` counts, such as ``OTEL_TRACES_SAMPLER``.
    """
    global _tracer  # noqa: PLW0603 - one a process, as OpenTelemetry's own
    if settings.traces_endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    ours = Resource({"service.name": f"seamark-{process}", "deployment.environment.name": settings.environment})
    # What the environment says (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) wins.
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.traces_endpoint)))
    _tracer = provider.get_tracer("seamark")
    trace_context.recorded = _current

    def stop() -> None:
        global _tracer
        _tracer, trace_context.recorded = None, None
        provider.force_flush(int(FLUSH * 1000))
        provider.shutdown()

    return stop


def is_on() -> bool:
    return _tracer is not None


@contextmanager
def span(name: str, kind: str, attributes: dict[str, Any], parent: str | None = None) -> "Iterator[Span | None]":
    """Around what it times. ``kind`` is ``server``, ``client``, ``producer`` or ``consumer``; ``parent`` a ``traceparent``.

    ``None`` where tracing is off. An exception that passes is named, without its text.
    """
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import Status, StatusCode, use_span  # noqa: PLC0415

    own = {"seamark.correlation_id": correlation_id(), **attributes}
    context = _context_of(parent) if parent is not None else None
    begun = _tracer.start_span(name, context, _kind(kind), own, record_exception=False, set_status_on_exception=False)
    with use_span(begun, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield begun
        except BaseException as error:
            begun.set_attribute("error.type", type(error).__qualname__)
            begun.set_status(Status(StatusCode.ERROR))
            raise


def failed(recorded: "Span", error_type: str) -> None:
    """For what ended badly without an exception: a status of 500, say."""
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    recorded.set_attribute("error.type", error_type)
    recorded.set_status(Status(StatusCode.ERROR))


def _kind(kind: str) -> "SpanKind":
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    return SpanKind[kind.upper()]


def _context_of(traceparent: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _current() -> str | None:
    """The span that runs now, as a ``traceparent``."""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    current = get_current_span().get_span_context()
    if not current.is_valid:
        return None
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags:02x}"


def trace_statements(engine: "Engine") -> None:
    """A span for each statement, by SQLAlchemy's and by the driver's own way. Costs nothing while tracing is off."""

    @event.listens_for(engine, "before_cursor_execute")
    def begin(connection: "Connection", _: Any, __: str, ___: Any, context: Any, ____: bool) -> None:
        if _tracer is not None:
            context.seamark_began = time.time_ns()

    @event.listens_for(engine, "after_cursor_execute")
    def end(connection: "Connection", _: Any, statement: str, __: Any, context: Any, ___: bool) -> None:
        if _tracer is not None and (began := getattr(context, "seamark_began", None)) is not None:
            _statement(statement, began, None)

    @event.listens_for(engine, "handle_error")
    def fail(context: Any) -> None:
        began = getattr(context.execution_context, "seamark_began", None)
        if _tracer is not None and began is not None and context.statement is not None:
            _statement(context.statement, began, context.original_exception)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        if _tracer is not None:
            connection.driver_connection.add_query_logger(_of_driver)


def _of_driver(query: Any) -> None:
    # Called in the context of who asked, once the answer is there.
    _statement(query.query, time.time_ns() - int(query.elapsed * 1e9), query.exception)


def _statement(statement: str, began: int, error: BaseException | None) -> None:
    if _tracer is None:
        return
    from opentelemetry.trace import Status, StatusCode, get_current_span  # noqa: PLC0415

    # Not whether it still records: the driver tells of a COMMIT once the loop comes round, and the request may have ended.
    asking = get_current_span().get_span_context()
    if not asking.is_valid or not asking.trace_flags.sampled:
        # Of no request and no task: the pool's own, and those of the loops that watch.
        return
    text = statement.strip()
    verb = text.split(None, 1)[0].rstrip(";").upper() if text else "SQL"
    attributes = {
        "db.system.name": "postgresql",
        "db.operation.name": verb,
        "db.query.text": text[:LONGEST_STATEMENT],
        "seamark.correlation_id": correlation_id(),
    }
    recorded = _tracer.start_span(verb, kind=_kind("client"), attributes=attributes, start_time=began)
    if error is not None:
        recorded.set_attribute("error.type", type(error).__qualname__)
        recorded.set_status(Status(StatusCode.ERROR))
    recorded.end()
