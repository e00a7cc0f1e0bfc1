"""The ASGI application: the layers, and behind them the one router of all routes."""

from fastapi import FastAPI

# Read at boot: the first call to another service would hold the loop for it.
import framework.outgoing.opening  # noqa: F401
from framework import middleware, problems
from framework.application import Application
from framework.idempotency.answer import StoredAnswer, answer_again
from framework.routing import Dispatcher


def assemble(application: Application, dispatcher: Dispatcher) -> FastAPI:
    """FastAPI with our router in the place of its own. Its telemetry is on by default and costs a tenth of a request."""
    app = FastAPI(
        title="Seamark",
        version="0.1.0",
        telemetry={"tracing": False, "metrics": False, "logs": False},
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        exception_handlers={**problems.handlers, StoredAnswer: answer_again},
        middleware=middleware.stack(application, dispatcher.table),
    )
    app.router = dispatcher
    dispatcher.closed = application.health.closed
    app.state.application = application
    return app
