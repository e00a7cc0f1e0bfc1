"""The boot: settings → manifests → validate and order → routes at import; checks → database → lifespans at start-up."""

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TextIO

import structlog
from fastapi import FastAPI
from framework.application import Application, connect
from framework.asgi import assemble
from framework.checks import all_checks, refuse_on_errors
from framework.codes import SM012
from framework.findings import BootError
from framework.installation import read_installation
from framework.metrics.exporter import exported
from framework.metrics.loop_lag import loop_lag_sampled
from framework.metrics.postgres import gauges_of
from framework.migrating.gate import refuse_other_schema
from framework.module import Module
from framework.routing import Dispatcher
from framework.settings import Settings

from framework import tracing
from host import checks, routes
from host.trusted_proxies import TrustedProxies

log = structlog.get_logger()


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application of the web process. Raises ``BootError`` with all that is wrong in settings and manifests."""
    _refuse_root_path()
    application = compose("web", settings)
    missing = routes.not_found(application.settings)
    app = assemble(application, Dispatcher(routes.collect(application), _running, missing))
    # Outermost: everything else goes by the address.
    app.add_middleware(TrustedProxies, proxies=application.settings.trusted_proxies)
    return app


def compose(process: str, settings: Settings | None = None, *, log_to: TextIO | None = None) -> Application:
    """Settings and manifests put together; shared by the web process and the ``sm`` commands."""
    application = connect(*read_installation(process, settings, log_to=log_to), process)
    application.checks = checks.host_checks
    return application


def _refuse_root_path() -> None:
    if os.environ.get("UVICORN_ROOT_PATH") or any(word.startswith("--root-path") for word in sys.argv):
        raise BootError([SM012.finding("--root-path is given", hint="serve Seamark under a host name of its own")])


async def _enter(module: Module, application: Application, stack: AsyncExitStack) -> None:
    """Its lifespan. Raises what that raises, unless the module is optional: then the others start without it."""
    if module.lifespan is None:
        return
    try:
        await stack.enter_async_context(module.lifespan(application))
    except Exception:
        if not module.optional:
            raise
        log.exception("module did not start", module=module.name)
        application.health.not_started(module.name)


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    application: Application = app.state.application
    async with AsyncExitStack() as stack:
        if (stop_tracing := tracing.start(application.settings, "web")) is not None:
            stack.push_async_callback(asyncio.to_thread, stop_tracing)
        stack.push_async_callback(application.close)
        await refuse_on_errors(application, all_checks(application), static_only=True)
        await refuse_other_schema(application)
        # Warns only: a rolled-back image has to start, whatever the release after it has subscribed to.
        await refuse_on_errors(application, [checks.subscriptions])
        application.database.show_pool()
        await stack.enter_async_context(loop_lag_sampled())
        stack.enter_context(exported(application.settings, "web", gauges_of(application.modules)))
        for module in application.modules:
            await _enter(module, application, stack)
        await stack.enter_async_context(application.health.watching())
        # What the boot made lives as long as the process; the collector need not look at it again (p99 55 → 6.5 ms).
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        log.info(
            "ready",
            modules=[module.name for module in application.modules],
            environment=application.settings.environment,
        )
        # Until here SIGTERM is the server's alone: nobody is served yet, so it ends as soon as it has begun.
        stack.enter_context(application.drain.on_signals())
        yield
