"""docs/tasks.md does what it says: its blocks run in their order, and what they enqueue runs afterwards."""

import ast
import inspect
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from framework.application import Application
from framework.outgoing.testing import allowing
from framework.tasks import Outcome, Task
from framework.tasks.attempt import Next
from framework.tasks.testing import run_due_tasks
from host.dev.environment import CLONE
from host.testing.service import Service, answer
from sqlalchemy import text

PAGE = CLONE / "docs" / "tasks.md"
TABLES = """
CREATE SCHEMA orders
CREATE TABLE purchase (id uuid PRIMARY KEY, closed bool NOT NULL DEFAULT false, shipped bool NOT NULL DEFAULT false)
CREATE TABLE shipment (day text, outcome text)
"""
ORDERS = "INSERT INTO orders.purchase SELECT ('01991b1c-0000-7000-8000-00000000000' || n)::uuid FROM generate_series(1, 5) AS n"


def examples(page: Path) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))


@pytest.fixture
async def orders(application: Application) -> AsyncIterator[None]:
    async with application.database.unit_of_work() as session:
        await session.execute(text(TABLES))
        await session.execute(text(ORDERS))
    yield
    async with application.database.unit_of_work() as session:
        await session.execute(text("DROP SCHEMA orders CASCADE"))


async def test_the_page_does_what_it_says(
    application: Application, make_application: Callable[..., Application], orders: None
) -> None:
    code = compile(examples(PAGE), str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    payments = Service(answer(503, headers={"Retry-After": "120"}), answer(201))
    async with payments:
        names: dict[str, Any] = {"__name__": "orders.tasks", "PAYMENTS": payments.url}
        async with application.database.unit_of_work() as session:
            names["session"] = session
            running = eval(code, names)
            assert inspect.iscoroutine(running)
            await running
        probe = make_application(*(value for value in names.values() if isinstance(value, Task)))
        async with allowing(probe, payments.address):
            ran = await run_due_tasks(probe)
            async with probe.database.unit_of_work() as session:
                assert await session.scalar(text("SELECT bool_and(shipped) FROM orders.purchase"))
                assert await session.scalar(text("SELECT count(*) FROM orders.purchase WHERE closed")) == 1
                assert (await session.execute(text("SELECT * FROM orders.shipment ORDER BY day"))).all() == [
                    ("2026-10-25", Outcome.SUCCEEDED),
                    ("2026-10-26", Outcome.CANCELLED),
                ]
                await session.execute(
                    text(
                        "UPDATE seamark.task SET publish_at = now(), available_at = now() WHERE name = 'orders.refund'"
                    )
                )
            ran += await run_due_tasks(probe)
    assert ran[0] == ("orders.close", Outcome.SUCCEEDED)  # the urgent one
    assert Counter(ran) == {
        ("orders.close", Outcome.SUCCEEDED): 5,
        ("orders.count", Outcome.SUCCEEDED): 2,
        ("orders.refund", Next.REPEATED): 1,
        ("orders.refund", Outcome.SUCCEEDED): 1,
        ("orders.ship", Outcome.SUCCEEDED): 1,
        ("orders.ship", Outcome.CANCELLED): 1,
    }
    assert len(payments.asked) == 2
    assert len({asked.headers["Idempotency-Key"] for asked in payments.asked}) == 1
