from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.context import RESPONSE_STARTS, RequestContext

API_POLICY = b"default-src 'none'; frame-ancestors 'none'"


class SecurityHeaders:
    """Headers on every response, whatever made it (ASVS 3.4). A page sets its own Content-Security-Policy and caching.

    And those that a layer below wants on every response, such as where a request stands with its limits.
    """

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app = app
        self._always = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        if secure:
            self._always.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
        self._unless_given = ((b"content-security-policy", API_POLICY), (b"cache-control", b"no-store"))
        self.of_documents = (*self._always, *self._unless_given)
        """Those of an answer that brings none of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        context: RequestContext = scope["seamark"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS:
                headers = [*message.get("headers", ()), *self._always]
                given = {name for name, _ in headers}
                headers.extend(item for item in (*self._unless_given, *context.headers) if item[0] not in given)
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_headers)
