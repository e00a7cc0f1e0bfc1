from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.context import RequestContext

log = structlog.get_logger("access")
QUIET = frozenset({"/health", "/health/ready"})


class AccessLog:
    """One line a request: method, route template (the path when there is none), status, milliseconds, client."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        # Nothing was sent, because nobody was there to take it any more: nginx's number for that.
        status = 499

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            context: RequestContext = scope["seamark"]
            if scope["path"] not in QUIET:
                client = scope.get("client")
                # The query string stays out: searches and tokens do not belong into logs (ASVS 14.2.1).
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    route=context.template,
                    status=status,
                    ms=round((perf_counter() - started) * 1000, 1),
                    client=client[0] if client else None,
                    user=str(context.principal.user_id) if context.principal else None,
                )
