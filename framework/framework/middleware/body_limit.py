from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.context import RequestContext
from framework.problems import too_large

URLENCODED = b"application/x-www-form-urlencoded"
MAX_URLENCODED = 131_072
"""Bytes: decoding a megabyte of it takes a twentieth of a second, in which nothing else runs. Larger forms are multipart."""


class BodyLimit:
    """Refuses a body above the route's limit: at once when its length is declared, else as soon as it is exceeded.

    Starlette's limiter counts what arrives; this chooses the limit and refuses a declared excess as a problem document.
    """

    def __init__(self, app: ASGIApp, default: int) -> None:
        self.app = app
        self.default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        declared_limit = context.policy.max_body if context.policy else None
        limit = (declared_limit() if callable(declared_limit) else declared_limit) or self.default
        if any(name == b"content-type" and value.lower().startswith(URLENCODED) for name, value in scope["headers"]):
            limit = min(limit, MAX_URLENCODED)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if declared.isdigit() and int(declared) > limit:
            raise too_large(limit)
        await RequestBodyLimitMiddleware(self.app, max_body_size=limit)(scope, receive, send)
