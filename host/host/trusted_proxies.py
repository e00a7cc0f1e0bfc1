"""The client's address and scheme, as the proxies say that ``SM_TRUSTED_PROXIES`` names, under whatever server this runs."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

LOCAL = "local"
"""Whoever is at the other end of a Unix socket. It has no address, and its file's mode says who that may be."""


class TrustedProxies:
    """uvicorn's own, for the servers that have none (gunicorn's ``asgi``), and for Unix sockets, which it never believes.

    Without, everybody behind a proxy on a Unix socket would share one limit. Where the server has replaced the address
    already, a client's is no proxy's and stays.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self._app = app
        self._proxied = ProxyHeadersMiddleware(self._restored, [*proxies, LOCAL])  # type: ignore[arg-type] # names its own types of ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and not scope.get("client"):
            scope["client"] = (LOCAL, 0)
        await self._proxied(scope, receive, send)  # type: ignore[arg-type]

    async def _restored(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("client") == (LOCAL, 0):
            scope["client"] = None
        await self._app(scope, receive, send)
