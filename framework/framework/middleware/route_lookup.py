from starlette.types import ASGIApp, Receive, Scope, Send

from framework.context import RequestContext
from framework.routing import RouteTable


class RouteLookup:
    """Finds the route once; limits, policy and the dispatcher below read it from the request's context."""

    def __init__(self, app: ASGIApp, table: RouteTable) -> None:
        self.app = app
        self.table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            context: RequestContext = scope["seamark"]
            match = self.table.find(scope.get("method", "WEBSOCKET"), scope["path"])
            context.route, context.template, context.policy = match.route, match.template, match.policy
            context.path_params, context.allowed = match.path_params or {}, match.allowed
            context.module, context.stream = match.module, match.stream
        await self.app(scope, receive, send)
