from starlette.types import ASGIApp, Receive, Scope, Send

from framework import tracing
from framework.context import RequestContext
from framework.health import PROBES
from framework.trace_context import traceparent


class Tracing:
    """A span around each request, in the trace that its ``traceparent`` names; named by method and route template.

    Only where ``SM_TRACES_ENDPOINT`` is set (OpenTelemetry, semantic conventions for HTTP server spans).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        method = scope.get("method", "WEBSOCKET")
        attributes = {
            "http.request.method": method,
            "http.route": context.template,
            "url.path": scope["path"],
            "url.scheme": scope.get("scheme", ""),
            "seamark.module": context.module,
        }
        name = f"{method} {context.template}".strip()
        with tracing.span(name, "server", attributes, traceparent() or "") as span:
            await self.app(scope, receive, send)
            if span is not None:
                span.set_attribute("http.response.status_code", context.status)
                if context.status >= 500:
                    tracing.failed(span, str(context.status))
