from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.application import Application
from framework.context import RequestContext
from framework.policies import Audience, RoutePolicy
from framework.pool import borrow_for


class SessionAuthentication:
    """Reads the principal where the route wants one; what they may do is for the layers below.

    The cookie's signature is checked first, so a forged id never reaches the database. The principal takes one prepared
    statement on a connection that is back in the pool before the handler borrows its own: holding both deadlocks a pool
    under load.
    """

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self.app = app
        self.application = application
        self.cookie = application.cookie
        self.authentication = next(
            (module.authentication for module in application.modules if module.authentication), None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        if context.policy is None or context.policy.access.audience is Audience.PUBLIC:
            await self.app(scope, receive, send)
            return
        await self._identify(scope, context, context.policy)

        async def send_with_cookie(message: Message) -> None:
            if context.set_cookie is not None and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"set-cookie", context.set_cookie.encode())]
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    async def _identify(self, scope: Scope, context: RequestContext, policy: RoutePolicy) -> None:
        # HTTP/2 may send a field for each cookie (RFC 9113, 8.2.3).
        header = b";".join(value for name, value in scope["headers"] if name == b"cookie")
        if not header or self.authentication is None:
            return
        verified = self.cookie.read(header.decode("latin-1"))
        if verified is None:
            return
        context.token, current = verified
        # In nobody's name: who asks is read also while the module's share of the connections is used up.
        borrow_for(None)
        async with self.application.database.driver_connection() as connection:
            context.principal = await self.authentication.load(connection, context.token.digest, self.application)
        if context.principal is not None:
            if not policy.unattended:
                self.authentication.seen(context.principal)
            if not current:
                # An earlier key verified it: sign it anew, so that the old key can be retired.
                context.set_cookie = self.cookie.write(context.token)
