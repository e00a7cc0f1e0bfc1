"""A person's notices. Whose they are is part of every statement: nobody reads or changes another's."""

from uuid import UUID

from framework.database import Database
from framework.listing import Listing
from framework.problems import Problem
from framework.statement import Statement
from framework.tasks import TaskRun
from sqlalchemy import Uuid, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from users.contract import AccountDeleted

from notifications.schemas import NoticeItem
from notifications.tables import Notice

COUNTED_UP_TO = 100
_notice = Notice.__table__.c
_own = _notice.account_id == bindparam("account_id", type_=Uuid())
_unread = select(_notice.id).where(_own, _notice.read_at.is_(None)).limit(COUNTED_UP_TO).subquery()
UNREAD = Statement(select(func.count().label("unread")).select_from(_unread))

listing = Listing(
    select(*(_notice[name] for name in NoticeItem.model_fields)).where(_own),
    id=_notice.id,
    sorts={"created_at": _notice.created_at},
    default_sort="-created_at",
    search=lambda q: func.strpos(func.lower(_notice.title), func.lower(q)) > 0,
)


async def unread(database: Database, account_id: UUID) -> int:
    """At most ``COUNTED_UP_TO``."""
    [row] = await UNREAD.fetch(database, account_id=account_id)
    return int(row["unread"])


async def mark_read(session: AsyncSession, account_id: UUID, notice_id: UUID) -> None:
    """Keeps the first time. Raises ``Problem`` 404."""
    seen = update(Notice).where(Notice.id == notice_id, Notice.account_id == account_id)
    seen = seen.values(read_at=func.coalesce(Notice.read_at, func.now()))
    if await session.scalar(seen.returning(Notice.id)) is None:
        raise _not_found()


async def mark_all_read(session: AsyncSession, account_id: UUID) -> None:
    seen = update(Notice).where(Notice.account_id == account_id, Notice.read_at.is_(None))
    await session.execute(seen.values(read_at=func.now()))


async def remove(session: AsyncSession, account_id: UUID, notice_id: UUID) -> None:
    """Raises ``Problem`` 404."""
    gone = delete(Notice).where(Notice.id == notice_id, Notice.account_id == account_id)
    if await session.scalar(gone.returning(Notice.id)) is None:
        raise _not_found()


async def forget_account(run: TaskRun, event: AccountDeleted) -> None:
    await run.session.execute(delete(Notice).where(Notice.account_id == event.account_id))


def _not_found() -> Problem:
    return Problem(404, "notifications.not_found", "There is no such notice, or it was deleted.")
