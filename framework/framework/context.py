"""What the layers of one request tell each other: one small object at ``scope["seamark"]``."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.routing import BaseRoute

from framework.idempotency.claim import Claim
from framework.idempotency.key import RequestKey
from framework.policies import RoutePolicy
from framework.principal import Principal
from framework.problems import Problem
from framework.sessions import SessionToken

RESPONSE_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
"""The messages that begin a response: to a request, and to a WebSocket handshake that is refused."""


@dataclass(slots=True)
class RequestContext:
    correlation_id: str
    route: BaseRoute | None = None
    """The route that will answer; ``None`` when no path matches."""
    template: str = ""
    """Its path with placeholders: what logs and metrics name it by."""
    path_params: dict[str, Any] = field(default_factory=dict)
    policy: RoutePolicy | None = None
    module: str = "seamark"
    """Whose route it is; the host's own and unknown paths are ``seamark``'s."""
    stream: bool = False
    """It answers with a stream: without a deadline, and not for a moment."""
    allowed: tuple[str, ...] = ()
    """The methods of the path when it has routes but none for this method."""
    principal: Principal | None = None
    token: SessionToken | None = None
    """The verified session id of the cookie, whether or not its session still lives."""
    set_cookie: str | None = None
    """Sent with the response of a route that is not public: a sign-in, a sign-out or a cookie signed anew."""
    key: RequestKey | None = None
    """The idempotency key that it came with."""
    claim: Claim | None = None
    """On that key, once its person and its route's session are known."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Of the response, whichever layer makes it; its own of the same name come first."""
    charged: bool = False
    """Its rate limits have been charged: once, however often it runs."""
    status: int = 0
    """Of the response, once it has begun: until then another one can still be given."""
    handling: bool = False
    """The route has begun; until then nothing can have taken effect."""
    commit_sent: bool = False
    """From when a lost connection leaves it unknown whether the transaction took effect."""


async def request_context(request: Request) -> RequestContext:
    context = request.scope["seamark"]
    assert isinstance(context, RequestContext)
    return context


async def _principal(request: Request) -> Principal:
    principal = (await request_context(request)).principal
    if principal is None:
        raise Problem(401, "auth.sign_in_required", "Sign in to continue.")
    return principal


async def _optional_principal(request: Request) -> Principal | None:
    return (await request_context(request)).principal


CurrentContext = Annotated[RequestContext, Depends(request_context)]
CurrentPrincipal = Annotated[Principal, Depends(_principal)]
OptionalPrincipal = Annotated[Principal | None, Depends(_optional_principal)]
