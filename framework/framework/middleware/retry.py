import asyncio
from itertools import count
from math import inf
from time import monotonic

import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework import deadline
from framework.context import RequestContext
from framework.database import is_connection_lost, is_out_of_connections
from framework.request_session import SAFE_METHODS

log = structlog.get_logger()
ATTEMPTS = 4
PAUSE, LONGEST_PAUSE = 0.15, 0.6
OUTAGE = 3.0
"""Seconds from the first loss for which requests wait for Postgres to come back, as it does from a restart. Later in an
outage each has its ``ATTEMPTS``, which take a second: then it is likely to last."""
LEFT = 0.25
"""Seconds of its deadline that an attempt has at least. With less, "the database is away" would end as "it took too long"."""
QUIET = 5.0
"""Seconds without a loss after which the next one begins another outage."""
MAX_REPLAY = 1_048_576


class RetryLostConnections:
    """Runs the request again when the database connection was lost before COMMIT was sent (ADR 0006).

    Everything below starts afresh: principal, dependencies, handler, transaction; the body is replayed from memory. An
    unsafe method whose handler has begun only where its route says ``retry_safe`` or its idempotency key is claimed; never
    once the response has begun, and never with a body that is multipart or larger than a megabyte. After COMMIT was sent
    nobody knows whether it took effect but who finds the key: without one, that stays a 503.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._outage_began = self._latest_loss = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        body = _RecordedBody(receive) if _is_worth_recording(scope, context) else None

        for attempt in count(1):
            try:
                await self.app(scope, body.receive if body else receive, send)
                return
            except Exception as error:
                if is_out_of_connections(error):
                    # Waiting for one once more would only make the queue longer.
                    raise PoolTimeout("PgBouncer had no connection free") from error
                if not is_connection_lost(error):
                    raise
                age = self._age_of_outage()
                if not _may_run_again(scope, context, body) or (attempt >= ATTEMPTS and age > OUTAGE):
                    raise
                pause = min(PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
                if deadline.remaining(inf) < pause + LEFT:
                    raise
                log.warning("database connection lost, request runs again", attempt=attempt, error=repr(error))
            if body:
                body.rewind()
            await asyncio.sleep(pause)

    def _age_of_outage(self) -> float:
        """Seconds since the first of the losses that came one soon after another; this one is noted."""
        now = monotonic()
        if now - self._latest_loss > QUIET:
            self._outage_began = now
        self._latest_loss = now
        return now - self._outage_began


def _may_run_again(scope: Scope, context: RequestContext, body: "_RecordedBody | None") -> bool:
    if context.status != 0:
        return False
    keyed = context.claim is not None and context.claim.repeatable
    if context.commit_sent and not keyed:
        return False
    if not context.handling:
        return True
    return body is not None and body.complete and (keyed or _is_harmless(scope, context))


def _is_harmless(scope: Scope, context: RequestContext) -> bool:
    return scope["method"] in SAFE_METHODS or (context.policy is not None and context.policy.retry_safe)


def _is_worth_recording(scope: Scope, context: RequestContext) -> bool:
    if scope["method"] in SAFE_METHODS:
        return True
    if context.key is None and not _is_harmless(scope, context):
        return False
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return not kind.lower().startswith(b"multipart/")


class _RecordedBody:
    """The messages received so far, as long as they are few enough to keep."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._recorded: list[Message] = []
        self._replay: list[Message] = []
        self._size = 0

    @property
    def complete(self) -> bool:
        return self._size <= MAX_REPLAY

    async def receive(self) -> Message:
        if self._replay:
            return self._replay.pop(0)
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self.complete:
            self._recorded.append(message)
        else:
            self._recorded.clear()
        return message

    def rewind(self) -> None:
        self._replay = [message for message in self._recorded if message["type"] == "http.request"]
