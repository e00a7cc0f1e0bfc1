from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.problems import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOriginProtection:
    """Refuses unsafe requests and WebSocket handshakes that another site's page started.

    By Fetch Metadata (``Sec-Fetch-Site``), by the exact configured ``Origin`` where a browser does not send it (plain
    http); a sibling subdomain is another site here. Neither header: not a browser, so there is no cookie to ride on.
    There are no exempt paths (OWASP CSRF Prevention; ASVS 3.5.1; Go's ``net/http.CrossOriginProtection``).
    """

    def __init__(self, app: ASGIApp, origins: Iterable[str], cookie: str) -> None:
        self.app = app
        self.origins = frozenset(origins)
        self.cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in SAFE_METHODS):
            headers = Headers(scope=scope)
            # A handshake without our cookie carries nobody's authority, so another origin may make it.
            if scope["type"] == "http" or any(f"{self.cookie}=" in value for value in headers.getlist("cookie")):
                self.check(headers.get("sec-fetch-site"), headers.get("origin"))
        await self.app(scope, receive, send)

    def check(self, site: str | None, origin: str | None) -> None:
        if origin is not None and origin.lower() in self.origins:
            return
        if site == "same-origin" and origin is None:
            return
        if site == "none" and origin is None:
            return
        if site is None and origin is None:
            return
        if site == "same-origin":
            # The browser vouches for it, yet the address is not a configured one: a second host name or a port forward.
            raise Problem(
                403,
                "csrf.unknown_origin",
                f"{origin} is not an address of this application. Set SM_PUBLIC_URL or SM_EXTRA_ORIGINS.",
            )
        raise Problem(403, "csrf.cross_origin", "This request was started by another site.")
