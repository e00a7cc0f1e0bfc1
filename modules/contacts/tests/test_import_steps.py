"""What an import keeps when it is interrupted, and what it shows meanwhile."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from contacts import tasks
from contacts.contract import ImportFinished
from contacts.schemas import ContactFields
from contacts.tables import Import, ImportChunk
from contacts.upsert import upsert
from framework.application import Application
from framework.events import Subscription
from framework.module import Module
from framework.subscriptions import write_subscriptions
from framework.tasks import Outcome, TaskRun
from framework.tasks.interventions import retry
from framework.tasks.runner import Next, Result, Runner
from framework.tasks.tables import TaskRow
from httpx import AsyncClient
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

STEP = 10


class ToldToEnd:
    """A worker that has been told to end, and has time for the step at hand."""

    def is_set(self) -> bool:
        return True

    def deadline(self) -> float:
        return monotonic() + 60


type Upload = Callable[..., Awaitable[dict[str, Any]]]
type Step = Callable[[dict[str, Any]], Awaitable[Result]]
type LetGoOn = Callable[[dict[str, Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ROWS_PER_STEP", STEP)


@pytest.fixture
def step(application: Application) -> Step:
    """One step, by a worker that is told to stop behind it; another one then goes on."""

    async def step(import_: dict[str, Any]) -> Result:
        async with application.database.unit_of_work() as session:
            task_id = await session.scalar(select(Import.task_id).where(Import.id == UUID(import_["id"])))
            # What failed is due again only after a pause.
            await session.execute(update(TaskRow).values(available_at=func.now(), publish_at=func.now()))
        assert task_id is not None
        return await Runner(application, "test", ToldToEnd()).run(task_id)

    return step


@pytest.fixture
def let_go_on(application: Application) -> LetGoOn:
    """What an operator does with a dead letter."""

    async def let_go_on(import_: dict[str, Any]) -> None:
        async with application.database.unit_of_work() as session:
            task_id = await session.scalar(select(Import.task_id).where(Import.id == UUID(import_["id"])))
            assert task_id is not None
            assert await retry(session, task_id)

    return let_go_on


def many(count: int) -> str:
    return "name,email,notes\n" + "".join(f'Person {n},person{n}@example.com,"note\n{n}"\n' for n in range(count))


async def state(people: AsyncClient, import_: dict[str, Any]) -> tuple[str, int, int | None, int]:
    now = (await people.get(f"/api/contacts/imports/{import_['id']}")).json()
    return now["status"], now["processed"], now["total"], now["created"]


async def number_of_contacts(people: AsyncClient) -> int:
    return len((await people.get("/api/contacts", params={"limit": 100})).json()["items"])


async def test_the_first_step_counts_and_each_further_one_takes_some_rows(
    people: AsyncClient, upload: Upload, step: Step
) -> None:
    import_ = await upload(many(25))

    seen = []
    while (result := await step(import_)) is Next.GIVEN_BACK:
        seen.append(await state(people, import_))

    assert seen == [("running", 0, 25, 0), ("running", 10, 25, 10), ("running", 20, 25, 20)]
    assert result is Outcome.SUCCEEDED
    assert await state(people, import_) == ("succeeded", 25, 25, 25)
    assert await number_of_contacts(people) == 25


async def test_a_step_that_is_lost_is_done_again_and_nothing_twice(
    people: AsyncClient, upload: Upload, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(session: AsyncSession, batch: list[ContactFields]) -> int:
        await upsert(session, batch)
        raise ConnectionError("the worker is gone, just before its commit")

    import_ = await upload(many(25))
    await step(import_)
    await step(import_)
    with monkeypatch.context() as broken:
        broken.setattr(tasks, "upsert", lost)
        assert await step(import_) is Next.REPEATED
    assert await state(people, import_) == ("running", 10, 25, 10)

    while await step(import_) is Next.GIVEN_BACK:
        pass

    assert await state(people, import_) == ("succeeded", 25, 25, 25)
    assert await number_of_contacts(people) == 25


async def test_a_cancelled_import_keeps_its_finished_steps_and_says_so(
    people: AsyncClient, upload: Upload, step: Step
) -> None:
    import_ = await upload(many(25))
    await step(import_)
    await step(import_)

    assert (await people.post(f"/api/contacts/imports/{import_['id']}/cancel")).status_code == 202
    assert await step(import_) is Outcome.CANCELLED

    done = (await people.get(f"/api/contacts/imports/{import_['id']}")).json()
    assert (done["status"], done["processed"], done["created"]) == ("cancelled", 10, 10)
    assert "10 rows" in done["message"]
    assert await number_of_contacts(people) == 10


async def test_an_import_that_nobody_has_begun_can_be_cancelled(
    people: AsyncClient, upload: Upload, step: Step
) -> None:
    import_ = await upload(many(5))

    await people.post(f"/api/contacts/imports/{import_['id']}/cancel")
    await step(import_)

    assert await state(people, import_) == ("cancelled", 0, None, 0)


async def test_cancelling_what_is_over_changes_nothing(people: AsyncClient, upload: Upload, step: Step) -> None:
    import_ = await upload(many(5))
    while await step(import_) is Next.GIVEN_BACK:
        pass

    answer = await people.post(f"/api/contacts/imports/{import_['id']}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (202, "succeeded")


async def test_an_import_that_cannot_go_on_fails_and_says_what_was_done(
    people: AsyncClient, upload: Upload, step: Step, application: Application
) -> None:
    import_ = await upload(many(25))
    await step(import_)
    await step(import_)
    async with application.database.unit_of_work() as session:
        await session.execute(delete(ImportChunk))

    while await step(import_) is not Outcome.FAILED:
        pass

    done = (await people.get(f"/api/contacts/imports/{import_['id']}")).json()
    assert (done["status"], done["processed"]) == ("failed", 10)
    assert "10 rows" in done["message"]


async def test_an_import_that_failed_goes_on_where_it_was_when_an_operator_lets_it(
    people: AsyncClient, upload: Upload, step: Step, let_go_on: LetGoOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(session: AsyncSession, batch: list[ContactFields]) -> int:
        raise RuntimeError("full disk")

    import_ = await upload(many(25))
    await step(import_)
    await step(import_)
    with monkeypatch.context() as trouble:
        trouble.setattr(tasks, "upsert", broken)
        while await step(import_) is not Outcome.FAILED:
            pass
    await let_go_on(import_)
    assert (await state(people, import_))[:2] == ("failed", 10)

    await step(import_)
    now = (await people.get(f"/api/contacts/imports/{import_['id']}")).json()
    assert (now["status"], now["processed"], now["message"], now["finished_at"]) == ("running", 20, None, None)

    while await step(import_) is Next.GIVEN_BACK:
        pass
    assert await state(people, import_) == ("succeeded", 25, 25, 25)
    assert await number_of_contacts(people) == 25


async def test_an_import_that_was_stopped_has_no_file_to_go_on_with(
    people: AsyncClient, upload: Upload, step: Step, let_go_on: LetGoOn
) -> None:
    import_ = await upload(many(5))
    await people.post(f"/api/contacts/imports/{import_['id']}/cancel")
    await step(import_)
    await let_go_on(import_)

    while await step(import_) is not Outcome.FAILED:
        pass
    assert await number_of_contacts(people) == 0


async def test_the_file_is_dropped_once_the_import_is_over(
    upload: Upload, step: Step, application: Application
) -> None:
    import_ = await upload(many(5))
    while await step(import_) is Next.GIVEN_BACK:
        pass

    async with application.database.unit_of_work(read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(ImportChunk)) == 0


async def events(client: AsyncClient, import_: dict[str, Any]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Parsed as the HTML standard has it: a field a line, an empty line behind each event."""
    async with client.stream("GET", f"/api/contacts/imports/{import_['id']}/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                yield fields["event"], json.loads(fields["data"])
                fields = {}


async def test_a_stream_tells_of_every_change_and_of_the_end(
    live_client: AsyncClient,
    sign_in: Callable[..., Awaitable[UUID]],
    upload: Upload,
    step: Step,
    application: Application,
) -> None:
    await sign_in(live_client, permissions=("contacts.view",))
    import_ = await upload(many(25))
    seen = []
    stream = events(live_client, import_)
    async for name, item in stream:
        seen.append((name, item["status"], item["processed"]))
        if name == "done":
            break
        assert application.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of the pool in use
        await step(import_)

    assert seen == [
        ("progress", "queued", 0),
        ("progress", "running", 0),
        ("progress", "running", 10),
        ("progress", "running", 20),
        ("progress", "succeeded", 25),
        ("done", "succeeded", 25),
    ]
    assert [event async for event in stream] == []


async def test_a_stream_that_is_taken_up_again_begins_with_how_it_stands(
    people: AsyncClient, upload: Upload, step: Step
) -> None:
    import_ = await upload(many(5))
    while await step(import_) is Next.GIVEN_BACK:
        pass

    seen = [(name, item["status"]) async for name, item in events(people, import_)]

    assert seen == [("progress", "succeeded"), ("done", "succeeded")]


async def test_a_stream_of_an_unknown_import_is_a_404(people: AsyncClient) -> None:
    answer = await people.get(f"/api/contacts/imports/{UUID(int=7)}/events")

    assert (answer.status_code, answer.json()["code"]) == (404, "contacts.import_not_found")


async def test_other_modules_hear_of_the_end(
    application: Application, upload: Upload, run_tasks: Callable[[], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    async def listen(run: TaskRun, event: ImportFinished) -> None:
        heard.append(event)

    listener = Module(name="listener", label="Listener", subscriptions=(Subscription(ImportFinished, listen),))
    monkeypatch.setattr(application, "modules", (*application.modules, listener))
    async with application.database.driver_connection() as connection:
        await write_subscriptions(connection, application.modules)

    import_ = await upload(many(5) + "Nobody,nowhere,\n")
    await run_tasks()

    [event] = heard
    assert (str(event.import_id), event.status) == (import_["id"], "succeeded")
    assert (event.created, event.updated, event.rejected) == (5, 0, 1)
