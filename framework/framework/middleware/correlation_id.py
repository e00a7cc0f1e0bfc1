from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.context import RESPONSE_STARTS, RequestContext
from framework.correlation import HEADER, accept, set_correlation_id

_header = HEADER.lower().encode()


class CorrelationIdMiddleware:
    """Takes ``X-Correlation-ID`` when it is well-formed, makes one otherwise, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == _header), None)
        current = accept(given)
        set_correlation_id(current)
        scope["seamark"] = RequestContext(current)
        header = (_header, current.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS or message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self.app(scope, receive, send_with_id)
