from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from framework.application import Application
from host.testing.people import SignedInClient
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from users.module import module
from users.tables import FailedDeviceSignIns, FailedSignIns, SignIn


async def test_what_nobody_needs_any_more_is_deleted_every_hour(
    application: Application,
    session: AsyncSession,
    signed_in_client: SignedInClient,
    run_tasks: Callable[[], Any],
) -> None:
    await signed_in_client()
    [row] = await session.scalars(select(SignIn))
    now = datetime.now(UTC)
    row.ended_at = now - timedelta(days=31)
    for days in (29, 31):
        of: dict[str, Any] = {"email_digest": bytes([days]) * 32, "count": 1}
        of |= {"last_at": now - timedelta(days=days), "retry_at": now}
        session.add(FailedSignIns(**of))
        session.add(FailedDeviceSignIns(**of, device_digest=bytes(32)))
    [schedule] = module.schedules
    assert schedule.every == timedelta(hours=1)
    await schedule.task.enqueue(session)
    await session.commit()
    await run_tasks()
    assert await session.scalar(select(func.count()).select_from(SignIn)) == 0
    for table in (FailedSignIns, FailedDeviceSignIns):
        assert list(await session.scalars(select(table.email_digest))) == [bytes([29]) * 32]
