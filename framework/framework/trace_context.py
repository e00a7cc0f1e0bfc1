"""W3C Trace Context: one trace over all services that take part in answering a request."""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex

from framework.correlation import correlation_id

# Later versions may add fields behind these four (section 3.2.4); ff is no version.
_accepted = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]*)?"
).fullmatch
_is_trace = re.compile(r"(?!0{32})[0-9a-f]{32}").fullmatch
LONGEST_STATE = 512


@dataclass(frozen=True, slots=True)
class Trace:
    """What a request's ``traceparent`` and ``tracestate`` say."""

    id: str
    flags: str
    state: str = ""
    parent: str = ""
    """The span of whoever sent the request."""


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)
recorded: Callable[[], str | None] | None = None
"""The ``traceparent`` of the span that runs now; set while this process records (framework/tracing.py)."""


def set_trace(parent: bytes | None, state: bytes | None) -> None:
    """By the headers of a request; ``None`` or malformed ones say that it belongs to no trace."""
    trace = None
    if parent is not None and len(parent) <= LONGEST_STATE and _accepted(parent):
        text = parent.decode("ascii")
        kept = state if state is not None and len(state) <= LONGEST_STATE and state.isascii() else b""
        trace = Trace(text[3:35], text[53:55], kept.decode("ascii"), text[36:52])
    _current.set(trace)


def traceparent() -> str | None:
    """What a task continues: the span that runs now, or the trace that the request came with; ``None`` without either."""
    if recorded is not None and (current := recorded()) is not None:
        return current
    trace = _current.get()
    return None if trace is None else f"00-{trace.id}-{trace.parent}-{trace.flags}"


def trace_headers() -> Mapping[str, str]:
    """For a request to another service: on with the trace of the request that is served, or one made of the correlation id.

    Where nothing records, one of its own is not marked as sampled: that decision is left to who does record.
    """
    trace = _current.get() or Trace(_trace_id(correlation_id()), "00")
    parent = None if recorded is None else recorded()
    headers = {"traceparent": parent or f"00-{trace.id}-{token_hex(8)}-{trace.flags}"}
    if trace.state:
        headers["tracestate"] = trace.state
    return headers


def _trace_id(correlation: str) -> str:
    plain = correlation.replace("-", "").lower()
    if _is_trace(plain):
        return plain
    return sha256(correlation.encode()).hexdigest()[:32] if correlation else token_hex(16)
