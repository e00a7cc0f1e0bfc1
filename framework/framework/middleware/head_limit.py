from starlette.types import ASGIApp, Receive, Scope, Send

from framework.problems import Problem

MAX_LINE = 8192
"""Bytes of path and query: as nginx has it."""
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768


class HeadLimit:
    """Refuses a request line or headers that no honest client sends, before anybody takes them apart (RFC 6585, RFC 9110).

    nginx does it in front; uvicorn itself takes any length, and a megabyte of cookies keeps everybody waiting.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            if len(scope["path"]) + len(scope["query_string"]) > MAX_LINE:
                raise Problem(414, "request.uri_too_long", f"The address may have at most {MAX_LINE} bytes.")
            headers = scope["headers"]
            if len(headers) > MAX_HEADERS or sum([len(value) for _, value in headers]) > MAX_HEADER_BYTES:
                raise Problem(
                    431,
                    "request.headers_too_large",
                    f"A request may have at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES // 1024} KiB.",
                )
        await self.app(scope, receive, send)
