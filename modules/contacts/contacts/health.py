from datetime import timedelta

from framework.application import Application
from framework.health import HealthCheck, Unhealthy
from framework.statement import Statement
from sqlalchemy import func, select

from contacts.tables import Import

STUCK_AFTER = timedelta(minutes=5)
UNFINISHED = Statement(
    select(
        func.count().label("unfinished"), func.min(Import.updated_at).label("oldest"), func.now().label("now")
    ).where(Import.finished_at.is_(None))
)


async def imports_go_on(application: Application) -> str | None:
    """Every step of an import touches its row; one that nobody touches waits for a worker that is not there."""
    [row] = await UNFINISHED.fetch(application.database)
    if row["unfinished"] and row["now"] - row["oldest"] > STUCK_AFTER:
        raise Unhealthy(f"an import has not gone on since {row['oldest']:%H:%M} UTC; is a worker running?")
    return f"{row['unfinished']} under way" if row["unfinished"] else None


health = (
    HealthCheck("contacts.imports", imports_go_on, "Imports of contacts stop where they are, and go on by themselves."),
)
