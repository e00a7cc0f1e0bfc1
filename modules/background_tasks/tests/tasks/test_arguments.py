"""Arguments are validated where they are given and where they are used; secrets reach the task, and no eye."""

import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from framework.application import Application
from framework.tasks import TaskRun, task
from framework.tasks.arguments import ArgumentsError
from framework.tasks.testing import run_due_tasks
from pydantic import BaseModel, SecretBytes, SecretStr
from sqlalchemy import text

KEY = uuid4()


class Login(BaseModel):
    user: str
    pin: SecretStr


@task("probe.note")
async def note(run: TaskRun, *, key: UUID, times: int = 1) -> None: ...


@task("probe.sign_in")
async def sign_in(
    run: TaskRun,
    *,
    login: Login,
    codes: list[SecretStr],
    seal: SecretBytes,
    day: date,
    api_key: str = "",
    note: str = "",
) -> None:
    secrets = [
        login.pin.get_secret_value(),
        *(code.get_secret_value() for code in codes),
        seal.get_secret_value().decode(),
    ]
    await run.session.execute(
        text("INSERT INTO effect VALUES (:key)"), {"key": " ".join([*secrets, api_key, str(day)])}
    )


GIVEN = {
    "login": {"user": "ada", "pin": "1815"},
    "codes": ["first", "second"],
    "seal": b"wax",
    "day": date(2026, 10, 25),
    "api_key": "open sesame",
    "note": "by hand",
}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "task probe.note: key: Field required"),
        ({"key": "no uuid"}, "task probe.note: key: Input should be a valid UUID"),
        ({"key": KEY, "colour": "red"}, "task probe.note: colour: Extra inputs are not permitted"),
    ],
)
async def test_wrong_ones_are_refused_where_they_are_given(
    make_application: Callable[..., Application], arguments: dict[str, Any], problem: str
) -> None:
    async with make_application(note).database.unit_of_work() as session:
        with pytest.raises(ArgumentsError) as refused:
            await note.enqueue(session, **arguments)
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"note": "by\0hand"}, "note"),
        ({"login": {"user": "ada", "pin": "\0"}}, "login"),
        ({"codes": ["first", "\ud800"]}, "codes"),
        ({"seal": b"\xff"}, "seal"),
    ],
)
def test_what_postgres_cannot_store_is_refused_by_name(given: dict[str, Any], where: str) -> None:
    with pytest.raises(ArgumentsError) as refused:
        sign_in.arguments.dump(sign_in.arguments.validate(GIVEN | given))
    assert [name.partition(".")[0] for name in refused.value.problems] == [where]


async def test_what_json_has_no_word_for_is_refused_and_what_only_looks_so_is_stored(
    make_application: Callable[..., Application],
) -> None:
    @task("probe.measure")
    async def measure(run: TaskRun, *, note: str, level: float = 0) -> None: ...

    with pytest.raises(ArgumentsError, match="level: Input should be a finite number"):
        measure.arguments.validate({"note": "", "level": float("nan")})
    given: dict[str, Any] = {"note": r"\u0000, or \\ and u0000"}
    async with make_application(measure).database.unit_of_work() as session:
        await measure.enqueue(session, **given)
        stored = await session.scalar(text("SELECT args::text FROM seamark.task"))
    assert measure.arguments.load(str(stored)) == given


async def test_no_value_is_repeated_in_an_error() -> None:
    with pytest.raises(ArgumentsError) as refused:
        sign_in.arguments.validate(GIVEN | {"login": {"user": "ada", "pin": ["hush"]}, "day": "hush"})
    assert refused.value.problems.keys() == {"login.pin", "day"}
    assert "hush" not in str(refused.value)
    assert refused.value.__suppress_context__


async def test_what_another_release_stored_is_refused_when_it_starts(
    make_application: Callable[..., Application], row: Callable[[UUID], Awaitable[dict[str, Any]]]
) -> None:
    probe = make_application(note)
    async with probe.database.unit_of_work() as session:
        task_id = await note.enqueue(session, key=KEY)
        await session.execute(text("""UPDATE seamark.task SET args = '{"key": 7}'"""))
    await run_due_tasks(probe)
    assert "probe.note: key: " in (await row(task_id))["error"]["message"]


async def test_the_task_is_given_its_secrets(
    make_application: Callable[..., Application], effects: Callable[[], Awaitable[list[str]]]
) -> None:
    probe = make_application(sign_in)
    async with probe.database.unit_of_work() as session:
        await sign_in.enqueue_many(session, [GIVEN])
    await run_due_tasks(probe)
    assert await effects() == ["1815 first second wax open sesame 2026-10-25"]


def test_people_see_none_of_them() -> None:
    shown = sign_in.arguments.mask(sign_in.arguments.dump(sign_in.arguments.validate(GIVEN)))
    assert (shown["login"]["user"], shown["note"], shown["day"]) == ("ada", "by hand", "2026-10-25")
    for secret in ("1815", "first", "second", "wax", "open sesame"):
        assert secret not in json.dumps(shown)


def test_of_what_does_not_fit_any_more_they_see_the_names() -> None:
    shown = sign_in.arguments.mask('{"codes": "old", "gone": {"deep": "hidden"}}')
    assert shown.keys() == {"codes", "gone"}
    assert not {"old", "hidden"} & set(map(str, shown.values()))


def test_durations_and_ids_are_stored_as_pydantic_writes_them() -> None:
    @task("probe.wait")
    async def wait(run: TaskRun, *, key: UUID, pause: timedelta, token: SecretStr) -> None: ...

    given = wait.arguments.validate({"key": KEY, "pause": timedelta(seconds=3), "token": "t"})
    assert json.loads(wait.arguments.dump(given)) == {"key": str(KEY), "pause": "PT3S", "token": "t"}
    assert wait.arguments.load(wait.arguments.dump(given)) == given


def test_they_are_given_by_name_and_have_types() -> None:
    async def positional(run: TaskRun, key: str) -> None: ...
    async def untyped(run: TaskRun, *, key) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(TypeError, match=r"task probe\.positional .*'key': a task's own parameters are keyword-only"):
        task("probe.positional")(positional)
    with pytest.raises(TypeError, match=r"task probe\.untyped .*'key': a task's parameters need types"):
        task("probe.untyped")(untyped)
