import os
from datetime import timedelta

from framework.module import Module
from framework.tasks import Schedule
from framework.tasks.schedule import Missed

from . import attempts, calls, health, keys, limits, tasks
from .health import lifespan, router

TASKS = (
    tasks.note,
    tasks.slow,
    tasks.hold,
    tasks.poison,
    tasks.wrong,
    tasks.greedy,
    tasks.stuck,
    tasks.deaf,
    tasks.stubborn,
    tasks.count,
    tasks.ask,
    tasks.tick,
)
assert attempts.router is calls.router is keys.router is limits.router is router, "all routes are of one router"
# An older release, before it had some of them.
UNKNOWN = os.environ.get("PROBE_UNKNOWN", "").split()

module = Module(
    name="probe",
    label="Probe",
    router=router,
    lifespan=lifespan,
    optional=health.OPTIONAL,
    health=health.checks,
    rate_limits=(limits.SCARCE,),
    tasks=tuple(task for task in TASKS if task.name not in UNKNOWN),
    schedules=(
        Schedule(tasks.tick, every=timedelta(seconds=1), missed=Missed.ALL),
        *(Schedule(tasks.tick, every=timedelta(weeks=1), missed=missed, name=f"probe.{missed}") for missed in Missed),
    ),
)
