"""The kind of route that a module's router makes: it keeps its answer under the key that the request came with."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from framework.context import RequestContext
from framework.idempotency.key import LONGEST, SHORTEST
from framework.json_body import JsonRequest
from framework.policies import Audience, RoutePolicy, policy_of
from framework.request_session import SAFE_METHODS
from framework.streams import uses_session

PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": SHORTEST, "maxLength": LONGEST},
    "description": "A request that is sent again with the same key takes effect once, and is answered as it was at first.",
}


class KeepingRoute(APIRoute):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if keeps_keys(self):
            extra = self.openapi_extra or {}
            self.openapi_extra = {**extra, "parameters": [*extra.get("parameters", ()), PARAMETER]}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if not is_unsafe(self):
            return handle

        async def handle_and_keep(request: Request) -> Response:
            # What FastAPI makes of the function's result is made inside the request's unit of work, which is open still.
            response = await handle(JsonRequest(request.scope, request.receive))
            context: RequestContext = request.scope["seamark"]
            if context.claim is not None:
                await context.claim.complete(response, context.set_cookie)
            return response

        return handle_and_keep


def is_unsafe(route: Route | WebSocketRoute) -> bool:
    return isinstance(route, Route) and bool((route.methods or set()) - SAFE_METHODS)


def keeps_keys(route: Route | WebSocketRoute) -> bool:
    """Whether a signed-in person's key counts here: there is a transaction to keep it in."""
    policy = policy_of(route.endpoint)
    public = policy is not None and policy.access.audience is Audience.PUBLIC
    return isinstance(route, APIRoute) and is_unsafe(route) and not public and uses_session(route.dependant)


def may_take_effect_twice(route: Route | WebSocketRoute, policy: RoutePolicy) -> bool:
    """Whether a client that repeats a request whose answer was lost does harm (SM048)."""
    for_people = policy.access.audience is Audience.SIGNED_IN
    return is_unsafe(route) and not policy.idempotent and not (for_people and keeps_keys(route))
