"""The layers of a request, pure ASGI, one file each, listed in order here and nowhere else."""

from starlette.middleware import Middleware

from framework.application import Application
from framework.middleware.access_log import AccessLog
from framework.middleware.authentication import SessionAuthentication
from framework.middleware.authorization import Authorization
from framework.middleware.body_digest import BodyDigest
from framework.middleware.body_limit import BodyLimit
from framework.middleware.correlation_id import CorrelationIdMiddleware
from framework.middleware.csrf import CrossOriginProtection
from framework.middleware.deadline import Deadline
from framework.middleware.drain import Draining
from framework.middleware.errors import Errors
from framework.middleware.head_limit import HeadLimit
from framework.middleware.load_shedding import LoadShedding
from framework.middleware.rate_limits import RateLimits
from framework.middleware.request_metrics import RequestMetrics
from framework.middleware.retry import RetryLostConnections
from framework.middleware.route_lookup import RouteLookup
from framework.middleware.security_headers import SecurityHeaders
from framework.middleware.tracing import Tracing
from framework.routing import RouteTable


def stack(application: Application, table: RouteTable) -> list[Middleware]:
    """Outermost first. Tests run this list too, never a shortened one."""
    return [
        # Around all others: whoever answers, the connection ends with it when the process does.
        Middleware(Draining, drain=application.drain),
        # First of the others, so that every line logged and every error answered below carries the id.
        Middleware(CorrelationIdMiddleware),
        # All further layers may read whose route it is, and its policy.
        Middleware(RouteLookup, table=table),
        # After the route, which names the span; around all that may be slow.
        *([Middleware(Tracing)] if application.settings.traces_endpoint else []),
        # Outside of what turns requests away: those count as well.
        Middleware(RequestMetrics, table=table),
        # Outside of the log, so that turning a request away costs next to nothing.
        Middleware(
            LoadShedding,
            max_concurrency=application.settings.max_concurrency,
            max_streams=application.settings.max_streams,
            secure=application.settings.is_secure,
        ),
        # Outside of what answers errors, so that it sees the status which leaves.
        Middleware(AccessLog),
        # Outside of errors as well: a 500 needs its headers as much as a page.
        Middleware(SecurityHeaders, secure=application.settings.is_secure),
        Middleware(Errors, reports=application.error_reports),
        # Before anybody takes cookies and parameters apart.
        Middleware(HeadLimit),
        # Around the body, too: whoever sends it one byte a second is ended as well.
        Middleware(Deadline, default=application.settings.request_deadline),
        # Before anything reads the body.
        Middleware(BodyLimit, default=application.settings.max_body),
        # Before the session is read: a forged request costs no database round trip.
        Middleware(CrossOriginProtection, origins=application.settings.origins, cookie=application.cookie.name),
        # Outside of what repeats a request: the digest is of the body that came, once.
        Middleware(BodyDigest),
        # A lost connection repeats what lies below: principal, dependencies, handler and commit.
        Middleware(RetryLostConnections),
        Middleware(SessionAuthentication, application=application),
        # After the principal, so that one question counts address and person alike; before the policy, so that guesses
        # are counted, too (ADR 0015).
        Middleware(RateLimits, limiter=application.limiter),
        Middleware(Authorization),
    ]
