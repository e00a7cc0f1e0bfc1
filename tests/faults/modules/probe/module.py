from datetime import timedelta

from framework.module import Module
from framework.tasks import Schedule

from . import tasks

module = Module(
    name="probe",
    label="Probe",
    tasks=(
        tasks.note,
        tasks.count,
        tasks.poison,
        tasks.stuck,
        tasks.deaf,
        tasks.stubborn,
        tasks.slow,
        tasks.tick,
    ),
    schedules=(Schedule(tasks.tick, every=timedelta(seconds=1)),),
)
