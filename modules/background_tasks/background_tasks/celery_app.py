"""``celery -A background_tasks.celery_app worker`` and ``… beat``: plain Celery, made of the enabled modules' tasks."""

from celery import Celery
from framework.findings import BootError

from background_tasks import process, transport
from background_tasks.broker import worker_configuration
from background_tasks.composition import compose
from background_tasks.worker.worker import Worker


def create_app() -> Celery:
    """Raises ``BootError`` when a setting or a module is wrong."""
    composition = compose()
    transport.install()
    app = Celery("seamark")
    app.composition = composition
    app.worker = Worker(composition)
    app.conf.update(worker_configuration(composition.settings, composition.own, composition.queues))
    for task in composition.tasks.values():
        # The message is this name and the id of a row; everything else is in the row.
        app.task(app.worker.run, name=task.name, time_limit=task.hard_limit)
    app.worker.install()
    process.install(composition)
    return app


try:
    app = create_app()
except BootError as error:
    # Celery would print a traceback, in which nobody finds this.
    raise SystemExit(str(error)) from None
