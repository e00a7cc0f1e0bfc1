from starlette.types import ASGIApp, Receive, Scope, Send

from framework.context import RequestContext
from framework.idempotency.body import DigestedBody
from framework.idempotency.key import RequestKey, read_key
from framework.request_session import SAFE_METHODS


class BodyDigest:
    """Reads an unsafe request's ``Idempotency-Key``, and the body's digest as it passes: other requests pay next to nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            key = read_key(scope["headers"])
            if key is not None:
                kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
                body = DigestedBody(receive, kind)
                context: RequestContext = scope["seamark"]
                context.key = RequestKey(key, body)
                receive = body.receive
        await self.app(scope, receive, send)
