import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.context import RequestContext
from framework.rate_limits.limiter import RateLimiter
from framework.rate_limits.rule import Per
from framework.rate_limits.standing import RateLimitExceeded, fields
from framework.rate_limits.subject import subject

log = structlog.get_logger()


class RateLimits:
    """Counts the request, and refuses it with 429 when somebody asks too often.

    Every answer says where its client stands, refusals and errors as well. A route whose policy costs nothing is neither
    counted nor labelled; an address where there is no route is counted like one that is there.
    """

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self.app = app
        self.limiter = limiter
        self._hinted = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not scope["seamark"].charged:
            await self._charge(scope, scope["seamark"])
        await self.app(scope, receive, send)

    async def _charge(self, scope: Scope, context: RequestContext) -> None:
        policy = context.policy
        cost, rate_class = (policy.cost, policy.rate_class) if policy else (1, None)
        limits = self.limiter.rules.counting(context.module, rate_class, context.principal is not None)
        if not cost or not limits.meters:
            return
        subjects = [subject(rule.per, scope, context) for rule in limits.rules]
        try:
            standing = await self.limiter.charge_all(limits, subjects, cost)
        except RateLimitExceeded as refusal:
            self._hint_at_proxy(scope, refusal.standing.rule.per)
            raise
        # A request that runs again after a lost connection is the same one.
        context.charged = True
        context.headers += fields(standing, limits.policy)

    def _hint_at_proxy(self, scope: Scope, per: Per) -> None:
        """Behind a proxy that is not trusted everybody has its address, and is limited together."""
        if self._hinted or per is not Per.ADDRESS or not scope.get("client"):
            return
        host = scope["client"][0]
        forwarded = b", ".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode(
            "latin-1"
        )
        if forwarded and host not in forwarded:
            self._hinted = True
            log.warning(
                "limited by the address of what may be a proxy: if it is yours, name it in SM_TRUSTED_PROXIES",
                client=host,
            )
