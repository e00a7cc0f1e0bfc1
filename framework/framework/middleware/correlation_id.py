from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.context import RESPONSE_STARTS, RequestContext
from framework.correlation import HEADER, accept, set_correlation_id
from framework.trace_context import set_trace

_header = HEADER.lower().encode()
_read = frozenset({_header, b"traceparent", b"tracestate"})


class CorrelationIdMiddleware:
    """Takes ``X-Correlation-ID`` when it is well-formed, makes one otherwise, and sends it back.

    Keeps the trace that the request belongs to (W3C Trace Context), for calls to other services.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = {name: value for name, value in scope["headers"] if name in _read}
        sent = given.get(_header)
        current = accept(None if sent is None else sent.decode("latin-1"))
        set_correlation_id(current)
        set_trace(given.get(b"traceparent"), given.get(b"tracestate"))
        scope["seamark"] = RequestContext(current)
        header = (_header, current.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS or message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self.app(scope, receive, send_with_id)
