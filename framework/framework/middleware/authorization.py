from starlette.types import ASGIApp, Receive, Scope, Send

from framework.context import RequestContext


class Authorization:
    """Holds the route to its policy, once it is known who asks and that they do not ask too often.

    A layer of its own, so that those who guess at what they may not do are counted, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            context: RequestContext = scope["seamark"]
            if context.policy is not None:
                context.policy.access.check(context.principal)
        await self.app(scope, receive, send)
