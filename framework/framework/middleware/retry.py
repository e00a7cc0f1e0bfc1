import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.context import RequestContext
from framework.database import SAFE_METHODS, is_connection_lost

log = structlog.get_logger()
ATTEMPTS = 4
PAUSE = 0.15
MAX_REPLAY = 1_048_576


class RetryLostConnections:
    """Runs the request again when the database connection was lost before COMMIT was sent (ADR 0006).

    Everything below starts afresh: dependencies, handler, transaction; the body is replayed from memory. Unsafe methods
    only where the route says ``retry_safe``, never once the response has begun, and never for a body that is multipart
    or larger than a megabyte. After COMMIT was sent nobody knows whether it took effect: that stays a 503.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._may_repeat(scope):
            await self.app(scope, receive, send)
            return
        started = False
        received: list[Message] = []
        replay: list[Message] = []

        async def receive_or_replay() -> Message:
            if replay:
                return replay.pop(0)
            message = await receive()
            received.append(message)
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        context: RequestContext = scope["seamark"]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self.app(dict(scope), receive_or_replay, send_and_note)
                return
            except Exception as error:
                size = sum(len(message.get("body", b"")) for message in received)
                repeatable = (
                    not started and not context.commit_sent and size <= MAX_REPLAY and is_connection_lost(error)
                )
                if not repeatable or attempt == ATTEMPTS:
                    raise
                log.warning("database connection lost, request runs again", attempt=attempt, error=repr(error))
            replay[:] = [message for message in received if message["type"] == "http.request"]
            await asyncio.sleep(PAUSE * 2 ** (attempt - 1))

    @staticmethod
    def _may_repeat(scope: Scope) -> bool:
        context: RequestContext = scope["seamark"]
        if context.policy is None:
            return False
        if scope["method"] in SAFE_METHODS:
            return True
        multipart = any(name == b"content-type" and value.startswith(b"multipart/") for name, value in scope["headers"])
        return context.policy.retry_safe and not multipart
