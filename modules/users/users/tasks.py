from datetime import timedelta

from framework.tasks import Schedule, TaskRun, task

from users import sessions, throttle


@task("users.purge_sessions")
async def purge_sessions(run: TaskRun) -> None:
    """Delete what nobody needs any more: sessions a month after they ended or expired, and failures as old."""
    await sessions.purge(run.session, run.application.settings)
    await throttle.purge(run.session)


schedules = (Schedule(purge_sessions, every=timedelta(hours=1)),)
