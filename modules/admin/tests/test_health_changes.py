from datetime import UTC, datetime

from framework.health.tables import HealthChange
from host.testing.people import SignedInClient
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7


async def test_the_history_is_listed_newest_first(
    client: AsyncClient, signed_in_client: SignedInClient, session: AsyncSession
) -> None:
    for minute, name, status in ((1, "alpha.part", "degraded"), (2, "beta.part", "failed"), (3, "alpha.part", "ok")):
        at = datetime(2026, 3, 1, 12, minute, tzinfo=UTC)
        session.add(HealthChange(id=uuid7(), check_name=name, status=status, remark="why", at=at, process="a:1"))
    await session.commit()
    assert (await client.get("/api/admin/health/changes")).status_code == 401
    assert (await (await signed_in_client({"admin.view"})).get("/api/admin/health/changes")).status_code == 403
    operator = await signed_in_client({"admin.health.view"})
    page = (await operator.get("/api/admin/health/changes?q=part&limit=2")).json()
    assert [(item["check"], item["status"]) for item in page["items"]] == [
        ("alpha.part", "ok"),
        ("beta.part", "failed"),
    ]
    rest = (await operator.get(f"/api/admin/health/changes?q=part&limit=2&cursor={page['next_cursor']}")).json()
    assert [(item["at"], item["process"]) for item in rest["items"]] == [("2026-03-01T12:01:00Z", "a:1")]
    assert rest["next_cursor"] is None
    found = (await operator.get("/api/admin/health/changes?q=beta.")).json()["items"]
    assert [item["remark"] for item in found] == ["why"]
