import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from framework.context import RequestContext
from framework.database import DatabaseUnavailable, is_connection_lost
from framework.error_reports.reporter import ErrorReporter
from framework.problems import Problem, response
from framework.sqlstates import DEADLOCK_DETECTED, DISK_FULL, LOCK_NOT_AVAILABLE, QUERY_CANCELED, sqlstate

log = structlog.get_logger()


class Errors:
    """Answers what nothing below answered; the text of an unexpected error goes to the log only (ASVS 16.5.1).

    Starlette's own error layer lies outside all user middleware, so its 500 would lack every header set above.
    """

    def __init__(self, app: ASGIApp, reports: ErrorReporter) -> None:
        self.app = app
        self._reports = reports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except (ClientDisconnect, WebSocketDisconnect):
            log.info("client went away", path=scope["path"])
        except Exception as error:
            if scope["type"] == "lifespan":
                raise
            problem = problem_of(error, in_doubt=scope["seamark"].commit_sent)
            context: RequestContext = scope["seamark"]
            started = context.status != 0
            if problem.status == 500 or started:
                method = scope.get("method", "WEBSOCKET")
                log.exception("request failed", method=method, path=scope["path"])
                self._reports.request(error, f"{method} {context.template}", context.module)
            elif problem.status in (503, 504):
                log.error("request refused", code=problem.code, path=scope["path"], error=repr(error))
            if started:
                # The status has left already; ending the connection is all that tells the client (RFC 9112, 8).
                raise
            # Of a WebSocket, this refuses the handshake.
            await response(problem)(scope, receive, send)


def outcome_unknown() -> Problem:
    """For a COMMIT that was sent and not answered. Without ``Retry-After``: only what has a key may be sent again."""
    return Problem(503, "request.outcome_unknown", "Nobody knows whether this took effect. Look before you try again.")


def problem_of(error: Exception, *, in_doubt: bool) -> Problem:
    """``in_doubt``: a COMMIT was sent, and may have taken effect."""
    if isinstance(error, Problem):
        return error
    retry_after = {"retry-after": "2"}
    if isinstance(error, PoolTimeout):
        return Problem(503, "database.busy", "The server is busy. Try again in a moment.", headers=retry_after)
    if isinstance(error, DatabaseUnavailable) or is_connection_lost(error):
        if in_doubt:
            return outcome_unknown()
        return Problem(
            503, "database.unavailable", "The database does not answer. Try again in a moment.", headers=retry_after
        )
    said = sqlstate(error)
    if said == QUERY_CANCELED:
        return Problem(504, "database.statement_timeout", "The database took too long to answer this.")
    if said in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED):
        busy = "Somebody else is changing the same. Try again in a moment."
        return Problem(503, "database.locked", busy, headers=retry_after)
    if said == DISK_FULL:
        full = "The database has no room left, so nothing can be changed. What is there can be read."
        return Problem(503, "database.full", full)
    return Problem(500, "internal_error", "Something went wrong on our side. The id below finds it in the log.")
