"""Routes: a module's router, and the table that finds a request's route by its path's first segments."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from traceback import format_exc
from typing import Any, NoReturn

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from framework.codes import SM006, SM008
from framework.findings import BootError, Finding
from framework.idempotency.route import KeepingRoute
from framework.policies import RoutePolicy, policy_of
from framework.pool import borrow_for
from framework.problems import Problem, response
from framework.streams import is_stream

HOST = "host"
SEAMARK = "seamark"
"""The owner of what no module has declared: pages, built files, unknown addresses, and the routes with the tag ``host``."""
RETRY_AFTER = "15"
"""Seconds in which a module that is closed may have opened again; longer than the browser application has people wait."""
HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Router(APIRouter):
    """A module's API: ``router = Router("contacts")`` puts its routes under ``/api/contacts``."""

    def __init__(self, module: str) -> None:
        super().__init__(
            prefix=f"/api/{module}",
            tags=[module],
            route_class=KeepingRoute,
            generate_unique_id_function=operation_id,
        )

    def include_router(self, *_: object, **__: object) -> NoReturn:
        """Refused: an included router is searched one by one, and its routes are hidden from policies and limits."""
        raise TypeError("a module has one Router: import it where further routes are declared, and decorate with it")


def operation_id(route: APIRoute) -> str:
    """``contacts.list_contacts``: what the generated client calls it."""
    return f"{route.tags[0]}.{route.name}" if route.tags else route.name


Endpoint = Route | WebSocketRoute


@dataclass(frozen=True, slots=True)
class Match:
    """A request's route, its path parameters and its policy; ``allowed`` when only the method is wrong."""

    route: Endpoint | None
    template: str = ""
    policy: RoutePolicy | None = None
    path_params: dict[str, Any] | None = None
    allowed: tuple[str, ...] = ()
    module: str = SEAMARK
    stream: bool = False


NOT_FOUND = Match(None)
# Programs ask here: an unknown path below is a problem document, never the not-found page.
FOR_PROGRAMS = ("/api", "/health", "/admin/health", "/admin/metrics", "/build")


class RouteTable:
    """Finds a route in a time that does not grow with the number of modules.

    FastAPI's ``include_router`` is searched from top to bottom: with 100 modules the last one costs 12 times the first.
    Here a path without placeholders is one dictionary lookup, any other is tried against its module's routes only.
    """

    def __init__(self, routes: Iterable[BaseRoute], missing: Route | None = None) -> None:
        """``missing`` answers GET for paths that nothing claims, except for programs' paths.

        Raises ``BootError`` when two routes claim one method and path, or one has no policy: nothing is served by chance.
        """
        self._missing = _match(missing) if missing else NOT_FOUND
        self._exact: dict[tuple[str, str], Match] = {}
        self._patterns: dict[str, list[tuple[frozenset[str], Endpoint, Match]]] = {}
        problems: list[Finding] = []
        owners: dict[tuple[str, str], Endpoint] = {}
        for route in routes:
            if not isinstance(route, Endpoint):
                raise TypeError(f"{route!r} is neither an HTTP nor a WebSocket route")
            match, methods = _match(route), methods_of(route)
            if match.policy is None:
                problems.append(SM008.finding(f"{endpoint_name(route)} declares no policy"))
            for method in methods:
                first = owners.setdefault((method, shape(route.path)), route)
                if first is not route:
                    both = f"{endpoint_name(first)} and by {endpoint_name(route)}"
                    problems.append(SM006.finding(f"{method} {route.path} is answered by {both}", hint="move one"))
            if "{" in route.path:
                self._patterns.setdefault(bucket(route.path), []).append((methods, route, match))
            else:
                self._exact |= {(method, route.path): match for method in methods}
        if problems:
            raise BootError(problems)

    def find(self, method: str, path: str) -> Match:
        """The route for ``method`` (``WEBSOCKET`` for a handshake) and ``path``; HEAD is answered by GET's route."""
        if method == "HEAD":
            method = "GET"
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        allowed: set[str] = set()
        for methods, route, match in self._patterns.get(bucket(path), ()):
            # The whole path: `$`, with which Starlette's patterns end, also matches before a trailing newline.
            found = route.path_regex.fullmatch(path)
            if found is None:
                continue
            if method in methods:
                convert = route.param_convertors
                try:
                    params = {name: convert[name].convert(value) for name, value in found.groupdict().items()}
                except ValueError:
                    # A number of more digits than Python reads names nothing here.
                    continue
                return replace(match, path_params=params)
            allowed |= methods
        allowed.update(known for known in HTTP_METHODS if (known, path) in self._exact)
        allowed.discard("WEBSOCKET")
        if allowed:
            return Match(None, allowed=tuple(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed)))
        return self._missing if method == "GET" and not is_for_programs(path) else NOT_FOUND

    def matches(self) -> Iterator[tuple[str, Match]]:
        """Every route by each of its methods, without the answer for unknown paths."""
        yield from ((method, match) for (method, _), match in self._exact.items())
        for patterns in self._patterns.values():
            yield from ((method, match) for methods, _, match in patterns for method in methods)


def _match(route: Endpoint) -> Match:
    return Match(route, route.path, policy_of(route.endpoint), module=_owner(route), stream=is_stream(route))


def _owner(route: Endpoint) -> str:
    if isinstance(route, WebSocketRoute):
        # FastAPI tags no WebSockets.
        return bucket(route.path) if route.path.startswith("/api/") else SEAMARK
    tags = getattr(route, "tags", ())
    return str(tags[0]) if tags and tags[0] != HOST else SEAMARK


def bucket(path: str) -> str:
    """``contacts`` for ``/contacts/7`` and ``/api/contacts/7`` alike."""
    first, _, rest = path[1:].partition("/")
    return rest.partition("/")[0] if first == "api" else first


def is_for_programs(path: str) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in FOR_PROGRAMS)


def shape(path: str) -> str:
    """A path without the names of its placeholders: ``/contacts/{id}`` and ``/contacts/{contact}`` are the same one."""
    return re.sub(r"{[^:}]*", "{", path)


def methods_of(route: Endpoint) -> frozenset[str]:
    return frozenset({"WEBSOCKET"}) if isinstance(route, WebSocketRoute) else frozenset(route.methods or ())


def endpoint_name(route: Endpoint) -> str:
    """``contacts.routes.list_contacts``, for messages."""
    function = route.endpoint
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def unavailable(module: str) -> Problem:
    """What a closed module's routes answer, and the handshakes of its WebSockets."""
    return Problem(
        503,
        "module.unavailable",
        "This part of the application does not work just now. Everything else does.",
        headers={"retry-after": RETRY_AFTER},
        module=module,
    )


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
        self.closed: Container[str] = ()
        """Modules that are unavailable just now; ``assemble`` says where that is to be read."""
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
        if context.module in self.closed:
            await response(unavailable(context.module))(scope, receive, send)
            return
        scope["route"] = route
        scope["endpoint"] = route.endpoint
        scope["path_params"] = context.path_params
        context.handling = True
        borrow_for(context.module)
        await route.app(scope, receive, send)

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's, except that a refused boot is its list of problems and not a traceback."""
        phase = "startup"
        await receive()
        try:
            async with self._running(scope["app"]):
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except BootError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        except Exception:  # noqa: BLE001 - it ends the process
            # Said, not raised: uvicorn would take it for an application without a lifespan, and serve.
            await send({"type": f"lifespan.{phase}.failed", "message": format_exc()})
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
