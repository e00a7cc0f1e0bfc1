"""Routes: a module's router, and the table that finds a request's route by its path's first segments."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from framework.findings import BootError
from framework.policies import RoutePolicy, policy_of
from framework.problems import Problem, response

HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Router(APIRouter):
    """A module's API: ``router = Router("contacts")`` puts its routes under ``/api/contacts``."""

    def __init__(self, module: str) -> None:
        super().__init__(prefix=f"/api/{module}", tags=[module], generate_unique_id_function=operation_id)


def operation_id(route: APIRoute) -> str:
    """``contacts.list_contacts``: what the generated client calls it."""
    return f"{route.tags[0]}.{route.name}" if route.tags else route.name


@dataclass(frozen=True, slots=True)
class Match:
    """A request's route, its path parameters and its policy; ``allowed`` when only the method is wrong."""

    route: Route | WebSocketRoute | None
    template: str = ""
    policy: RoutePolicy | None = None
    path_params: dict[str, Any] | None = None
    allowed: tuple[str, ...] = ()


NOT_FOUND = Match(None)


class RouteTable:
    """Finds a route in a time that does not grow with the number of modules.

    FastAPI's ``include_router`` is searched from top to bottom: with 100 modules the last one costs 12 times the first.
    Here a path without placeholders is one dictionary lookup, any other is tried against its module's routes only.
    """

    def __init__(self, routes: Iterable[BaseRoute], missing: Route | None = None) -> None:
        """``missing`` answers GET for paths that nothing claims, except below ``/api/``, which never answers HTML."""
        self._missing = self._match(missing, {}) if missing else NOT_FOUND
        self._exact: dict[tuple[str, str], Match] = {}
        self._patterns: dict[str, list[Route | WebSocketRoute]] = {}
        for route in routes:
            assert isinstance(route, Route | WebSocketRoute), f"{route!r} is neither an HTTP nor a WebSocket route"
            if "{" in route.path:
                self._patterns.setdefault(bucket(route.path), []).append(route)
            else:
                for method in methods_of(route):
                    self._exact.setdefault((method, route.path), self._match(route, {}))

    def find(self, method: str, path: str) -> Match:
        """The route for ``method`` (``WEBSOCKET`` for a handshake) and ``path``; HEAD is answered by GET's route."""
        if method == "HEAD":
            method = "GET"
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        allowed = {known for known in HTTP_METHODS if (known, path) in self._exact}
        for route in self._patterns.get(bucket(path), ()):
            found = route.path_regex.match(path)
            if found is None:
                continue
            methods = methods_of(route)
            if method not in methods:
                allowed.update(methods)
                continue
            params = {name: route.param_convertors[name].convert(value) for name, value in found.groupdict().items()}
            return self._match(route, params)
        allowed.discard("WEBSOCKET")
        if allowed:
            return Match(None, allowed=tuple(sorted(allowed)))
        return self._missing if method == "GET" and not path.startswith("/api/") else NOT_FOUND

    @staticmethod
    def _match(route: Route | WebSocketRoute, params: dict[str, Any]) -> Match:
        return Match(route, route.path, policy_of(route.endpoint), params)


def bucket(path: str) -> str:
    """``contacts`` for ``/contacts/7`` and ``/api/contacts/7`` alike."""
    first, _, rest = path[1:].partition("/")
    return rest.partition("/")[0] if first == "api" else first


def methods_of(route: Route | WebSocketRoute) -> frozenset[str]:
    return frozenset({"WEBSOCKET"}) if isinstance(route, WebSocketRoute) else frozenset(route.methods or ())


class Dispatcher(APIRouter):
    """The application's router: every module's routes in one list, dispatched to the route that was found up front.

    The one place that leans on how FastAPI routes: it replaces the search, and calls the route's own ASGI application.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        running: Callable[[Any], AbstractAsyncContextManager[None]],
        missing: Route | None = None,
    ) -> None:
        """``running`` is entered when the server starts and left when it stops; it may refuse with ``BootError``."""
        super().__init__(redirect_slashes=False)
        self._running = running
        self.routes.extend(routes)
        self.table = RouteTable(routes, missing)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        scope.setdefault("router", self)
        context = scope["seamark"]
        route = context.route
        if route is None:
            await self._refuse(context.allowed)(scope, receive, send)
            return
        scope["route"] = route
        scope["endpoint"] = route.endpoint
        scope["path_params"] = context.path_params
        context.handling = True
        await route.app(scope, receive, send)

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's, except that a refused boot is its list of problems and not a traceback."""
        await receive()
        try:
            async with self._running(scope["app"]):
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except BootError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    @staticmethod
    def _refuse(allowed: tuple[str, ...]) -> Response:
        if allowed:
            headers = {"allow": ", ".join(allowed)}
            return response(
                Problem(405, "http.method_not_allowed", "This address does not take that method.", headers=headers)
            )
        return response(Problem(404, "http.not_found", "There is nothing at this address."))
