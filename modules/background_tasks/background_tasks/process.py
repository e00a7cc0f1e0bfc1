"""What the worker's parent and beat do when they start: log in our form, and refuse a database that does not fit."""

import asyncio
import logging
from typing import Any

from celery import signals
from framework.correlation import correlation_id, new_correlation_id, set_correlation_id
from framework.findings import BootError
from framework.logging import configure
from framework.migrating.gate import refuse_other_schema

from background_tasks.composition import Composition

# For every task they would say what the runner says in one line, and without its correlation id.
CHATTY = ("celery.worker.strategy", "celery.app.trace")


def install(composition: Composition) -> None:
    """On the signals of Celery, which no other code here sees before it logs."""
    settings = composition.settings

    def configure_logging(loglevel: int | None = None, **_: Any) -> None:
        # `-l` may ask for more than SM_LOG_LEVEL does, not for less.
        level = min(logging.getLevelNamesMapping()[settings.log_level.upper()], loglevel or logging.CRITICAL)
        configure(settings.log_format, logging.getLevelName(level), "celery")
        for name in CHATTY:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))
        # What a process says of itself carries one id for its life.
        set_correlation_id(correlation_id() or new_correlation_id())

    def check_schema(**_: Any) -> None:
        try:
            asyncio.run(_check_schema(composition))
        except BootError as error:
            # Any other exception Celery logs, and goes on.
            raise SystemExit(str(error)) from None

    for signal in (signals.celeryd_init, signals.setup_logging):
        signal.connect(configure_logging, weak=False)
    for signal in (signals.worker_init, signals.beat_init):
        signal.connect(check_schema, weak=False)


async def _check_schema(composition: Composition) -> None:
    application = composition.connect("celery")
    try:
        await refuse_other_schema(application)
    finally:
        await application.close()
