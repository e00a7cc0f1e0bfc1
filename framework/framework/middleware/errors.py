import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.database import DatabaseUnavailable, is_connection_lost
from framework.problems import Problem, response

log = structlog.get_logger()


class Errors:
    """Answers what nothing below answered; the text of an unexpected error goes to the log only (ASVS 16.5.1).

    Starlette's own error layer lies outside all user middleware, so its 500 would lack every header set above.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            log.info("client went away", path=scope["path"])
        except Exception as error:
            if scope["type"] == "lifespan":
                raise
            problem = problem_of(error)
            started = scope["seamark"].status != 0
            if problem.status == 500 or started:
                log.exception("request failed", method=scope.get("method", "WEBSOCKET"), path=scope["path"])
            elif problem.status == 503:
                log.error("request refused", code=problem.code, path=scope["path"], error=repr(error))
            if started:
                # The status has left already; ending the connection is all that tells the client (RFC 9112, 8).
                raise
            # Of a WebSocket, this refuses the handshake.
            await response(problem)(scope, receive, send)


def problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    retry_after = {"retry-after": "2"}
    if isinstance(error, PoolTimeout):
        return Problem(503, "database.busy", "The server is busy. Try again in a moment.", headers=retry_after)
    if isinstance(error, DatabaseUnavailable) or is_connection_lost(error):
        return Problem(
            503, "database.unavailable", "The database does not answer. Try again in a moment.", headers=retry_after
        )
    return Problem(500, "internal_error", "Something went wrong on our side. The id below finds it in the log.")
