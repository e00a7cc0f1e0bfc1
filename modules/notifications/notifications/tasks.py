from datetime import UTC, datetime, timedelta

from framework.settings import settings_of
from framework.tasks import Schedule, TaskRun, task
from sqlalchemy import delete

from notifications.settings import NotificationsSettings
from notifications.tables import Notice


@task("notifications.purge")
async def purge(run: TaskRun) -> None:
    """What nobody has looked at for so long says nothing any more."""
    oldest = datetime.now(UTC) - timedelta(days=settings_of(NotificationsSettings).keep_days)
    await run.session.execute(delete(Notice).where(Notice.created_at < oldest))


tasks = (purge,)
schedules = (Schedule(purge, every=timedelta(days=1)),)
