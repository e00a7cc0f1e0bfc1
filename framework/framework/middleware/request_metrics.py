from time import perf_counter

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.context import RequestContext
from framework.routing import HTTP_METHODS, SEAMARK, RouteTable

REQUESTS = Counter(
    "seamark_http_requests",
    "Requests that have ended, by their answer's first digit; a client that went away has none, and counts as 4xx.",
    ["module", "method", "route", "status"],
)
SECONDS = Histogram(
    "seamark_http_request_seconds",
    "How long requests took, until the last byte was handed over; not of streams and WebSockets.",
    ["module", "method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
NOWHERE = "none"
"""The route of addresses at which there is nothing, whatever they are."""
OTHER = "other"


class RequestMetrics:
    """Counts requests by module, method and route, and measures how long they take.

    Every route's series are there from the start: what is only there from its first error on has no rate for that error.
    """

    def __init__(self, app: ASGIApp, table: RouteTable) -> None:
        self.app = app
        self._series: dict[tuple[str, str], _Series] = {}
        for method, match in table.matches():
            self._series[match.template, method] = _Series(match.module, method, match.template, lasts=match.stream)
        self._templates = frozenset(template for template, _ in self._series)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        method = scope.get("method", "WEBSOCKET")
        began = perf_counter()
        try:
            await self.app(scope, receive, send)
        finally:
            series = self._series.get((context.template, method)) or self._further(context, method)
            series.add(context.status, perf_counter() - began)

    def _further(self, context: RequestContext, method: str) -> "_Series":
        """Of HEAD, which the route for GET answers, and of addresses that no route has."""
        if context.template in self._templates:
            key = context.template, method
            series = _Series(context.module, method, context.template, lasts=context.stream)
        else:
            known = method if method in HTTP_METHODS else OTHER
            # No template is such a word.
            key = NOWHERE, known
            if key in self._series:
                return self._series[key]
            series = _Series(SEAMARK, known, NOWHERE, lasts=False)
        self._series[key] = series
        return series


class _Series:
    """Of one route and method. What they are called is looked up once: for each request that costs more than counting."""

    __slots__ = ("_by_digit", "_labels", "_observe")

    def __init__(self, module: str, method: str, route: str, *, lasts: bool) -> None:
        self._labels = module, method, route
        self._observe = None if lasts or method == "WEBSOCKET" else SECONDS.labels(*self._labels).observe
        self._by_digit = {digit: REQUESTS.labels(*self._labels, f"{digit}xx").inc for digit in (2, 4, 5)}

    def add(self, status: int, seconds: float) -> None:
        digit = (status or 499) // 100
        count = self._by_digit.get(digit)
        if count is None:
            count = self._by_digit[digit] = REQUESTS.labels(*self._labels, f"{digit}xx").inc
        count()
        if self._observe is not None:
            self._observe(seconds)
