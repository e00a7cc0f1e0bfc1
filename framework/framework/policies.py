"""Who may call a route, and its limits: declared on every route, looked up once a request."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from framework.principal import Principal
from framework.problems import Problem


class Audience(StrEnum):
    """Whether a route reads the principal, and what it does without one."""

    PUBLIC = "public"
    OPTIONAL = "optional"
    SIGNED_IN = "signed in"


@dataclass(frozen=True, slots=True)
class Access:
    audience: Audience
    permission: str | None = None

    def check(self, principal: Principal | None) -> None:
        """Raises ``Problem`` 401 without a needed principal, 403 without the permission (ASVS 8.2.1)."""
        if self.audience is not Audience.SIGNED_IN:
            return
        if principal is None:
            raise Problem(401, "auth.sign_in_required", "Sign in to continue.")
        if self.permission is not None and self.permission not in principal.permissions:
            raise Problem(403, "auth.forbidden", f"This needs the permission {self.permission}.")

    def __str__(self) -> str:
        return self.permission or self.audience.value


public = Access(Audience.PUBLIC)
"""Anyone; the session cookie is neither read nor set, so nothing is asked of the database."""

optional = Access(Audience.OPTIONAL)
"""Anyone; the principal is there when somebody is signed in."""

signed_in = Access(Audience.SIGNED_IN)
"""Any signed-in person."""


def require(permission: str) -> Access:
    """Signed-in people who hold ``permission`` (``<module>.<what>``, declared in the module's manifest)."""
    return Access(Audience.SIGNED_IN, permission)


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Everything that the layers in front of a route need to know of it.

    ``max_body`` is in bytes (``None``: ``SM_MAX_BODY``); a callable asks a setting, which the import of a module must not.
    ``retry_safe`` lets a request with an unsafe method run again
    when the database connection is lost before COMMIT was sent; safe methods always may.
    An ``unattended`` route is asked by pages by themselves, so it keeps no session alive.
    ``deadline`` is in seconds (``None``: ``SM_REQUEST_DEADLINE``); a stream has none.
    ``cost`` is what a request takes of its rate limits, 0 for nothing; ``rate_class`` names those of its module's rules
    that count it beside the rules for all of the module's routes.
    An ``essential`` route is served while others are turned away for overload.
    An ``idempotent`` route may be asked twice without harm: what an unsafe one says that keeps no idempotency keys, because
    it takes no ``Session`` or serves people who are not signed in.
    """

    access: Access
    max_body: int | Callable[[], int] | None = None
    retry_safe: bool = False
    unattended: bool = False
    deadline: float | None = None
    cost: int = 1
    rate_class: str | None = None
    essential: bool = False
    idempotent: bool = False

    def __post_init__(self) -> None:
        if self.cost < 0:
            raise ValueError("a request cannot cost less than nothing")


def policy[F: Callable[..., object]](
    access: Access,
    *,
    max_body: int | Callable[[], int] | None = None,
    retry_safe: bool = False,
    unattended: bool = False,
    deadline: float | None = None,
    cost: int = 1,
    rate_class: str | None = None,
    essential: bool = False,
    idempotent: bool = False,
) -> Callable[[F], F]:
    """Declare a route's policy, directly above its function and below ``@router.get(…)``."""
    declared = RoutePolicy(access, max_body, retry_safe, unattended, deadline, cost, rate_class, essential, idempotent)

    def declare(endpoint: F) -> F:
        setattr(endpoint, "__policy__", declared)  # noqa: B010 - a function has no such attribute to the type checker
        return endpoint

    return declare


def policy_of(endpoint: object) -> RoutePolicy | None:
    declared = getattr(endpoint, "__policy__", None)
    return declared if isinstance(declared, RoutePolicy) else None
