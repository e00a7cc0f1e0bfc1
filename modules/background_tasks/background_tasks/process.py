"""What the worker's parent and beat do when they start: log in our form, and refuse an installation that does not fit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import signals
from framework.application import Application
from framework.checks import Check, all_checks, refuse_on_errors
from framework.correlation import correlation_id, new_correlation_id, set_correlation_id
from framework.findings import BootError
from framework.logging import configure
from framework.migrating.gate import refuse_other_schema

from background_tasks.checks.celery import celery_findings, effective
from background_tasks.composition import Composition, only_known
from background_tasks.relay.worker_row import WRITE
from background_tasks.worker.supervision import identity_of

OWN = "background_tasks"
# For every task they would say what the runner says in one line, and without its correlation id.
CHATTY = ("celery.worker.strategy", "celery.app.trace")
NOT_EMBEDDED = """\
`worker -B` is refused: its beat would outlive a worker that is killed. Beat is a process of its own, of which any number may run:
    celery -A background_tasks.celery_app beat"""


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

    def refuse_unknown_queues(options: dict[str, Any], **_: Any) -> None:
        with _told():
            only_known(options.get("queues") or (), composition.queues)

    def examine_worker(sender: Any, **_: Any) -> None:
        started_so = Check("celery", lambda _: celery_findings(effective(sender), composition.own), owner=OWN)

        async def admit(application: Application) -> None:
            await refuse_on_errors(application, [*_checks(application, dynamic_of=OWN), started_so])
            # Here already: its relay is ready later than the worker itself, which nobody is to miss meanwhile.
            async with application.database.driver_connection() as connection:
                me = identity_of(sender)
                await connection.execute(WRITE, me.name, me.queues, me.tasks, me.concurrency, me.release, False, True)

        _examine(composition, admit)

    def examine_beat(**_: Any) -> None:
        _examine(composition, lambda application: refuse_on_errors(application, _checks(application)))

    for signal in (signals.celeryd_init, signals.setup_logging):
        signal.connect(configure_logging, weak=False)
    signals.celeryd_init.connect(refuse_unknown_queues, weak=False)
    signals.celeryd_init.connect(refuse_embedded_beat, weak=False)
    signals.worker_init.connect(examine_worker, weak=False)
    signals.beat_init.connect(examine_beat, weak=False)


def refuse_embedded_beat(options: dict[str, Any], **_: Any) -> None:
    if options.get("beat"):
        raise SystemExit(NOT_EMBEDDED)


def _checks(application: Application, dynamic_of: str = "") -> list[Check]:
    """What settings and manifests are asked at every boot; and what one module asks of Postgres and Redis."""
    return [check for check in all_checks(application) if not check.dynamic or check.owner == dynamic_of]


def _examine(composition: Composition, ask: Callable[[Application], Awaitable[None]]) -> None:
    async def main() -> None:
        application = composition.connect("celery")
        try:
            await refuse_other_schema(application)
            await ask(application)
        finally:
            await application.close()

    with _told():
        asyncio.run(main())


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BootError as error:
        # Any other exception Celery logs, and goes on.
        raise SystemExit(str(error)) from None
