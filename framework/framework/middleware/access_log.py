from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.context import RESPONSE_STARTS, RequestContext
from framework.health import PROBES

log = structlog.get_logger("access")
MAX_PATH = 1000


class AccessLog:
    """One line a request: method, path, route template, status, milliseconds, client, person. Notes the status as it leaves."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        context: RequestContext = scope["seamark"]

        async def send_and_note(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS:
                context.status = message["status"]
            elif message["type"] == "websocket.accept":
                context.status = 101
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            if scope["path"] not in PROBES:
                client = scope.get("client")
                # The query string stays out: searches and tokens do not belong into logs (ASVS 14.2.1).
                log.info(
                    "request",
                    method=scope.get("method", "WEBSOCKET"),
                    path=scope["path"][:MAX_PATH],
                    route=context.template,
                    # Nothing was sent, because nobody was there to take it any more: nginx's number for that.
                    status=context.status or 499,
                    ms=round((perf_counter() - started) * 1000, 1),
                    client=client[0] if client else None,
                    user=str(context.principal.user_id) if context.principal else None,
                )
