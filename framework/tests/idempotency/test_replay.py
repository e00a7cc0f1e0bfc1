"""A request that comes again with its key is answered as it was at first, and takes effect once."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from .conftest import KEY, Person, Witness, keyed

type Effects = Callable[[], Awaitable[int]]


def replayed(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("idempotency-replayed") == "true")


def same(one: httpx.Response, other: httpx.Response) -> bool:
    """But for what belongs to each request by itself."""
    own = {"idempotency-replayed", "x-correlation-id", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"}
    left = [{name: value for name, value in answer.headers.items() if name not in own} for answer in (one, other)]
    return (one.status_code, one.content, left[0]) == (other.status_code, other.content, left[1])


async def test_it_is_answered_as_at_first_and_takes_effect_once(person: Person, effects: Effects) -> None:
    ada = person()
    first = await ada.post("/api/things", json={"name": "one"}, headers=keyed())
    again = await ada.post("/api/things", json={"name": "one"}, headers=keyed(f'"{KEY}"'))
    assert (first.status_code, replayed(first), replayed(again)) == (201, False, True)
    assert first.headers["location"] == f"/api/things/{first.json()['id']}"
    assert same(first, again)
    assert await effects() == 1


async def test_each_answer_names_its_own_request(person: Person) -> None:
    ada = person()
    answers = [await ada.post("/api/things", json={"name": "one"}, headers=keyed()) for _ in range(2)]
    assert answers[0].headers["x-correlation-id"] != answers[1].headers["x-correlation-id"]


async def test_an_answer_without_a_body_is_one(person: Person, effects: Effects) -> None:
    ada = person()
    first, again = [await ada.post("/api/things/silent", json={"name": "one"}, headers=keyed()) for _ in range(2)]
    assert (first.status_code, replayed(again), same(first, again), await effects()) == (204, True, True, 1)


async def test_without_a_key_it_is_another_request(person: Person, effects: Effects) -> None:
    ada = person()
    for _ in range(2):
        assert not replayed(await ada.post("/api/things", json={"name": "one"}))
    assert await effects() == 2


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/api/things", "two"),
        ("POST", "/api/things?times=2", "one"),
        ("POST", "/api/things/silent", "one"),
        ("PUT", "/api/things", "one"),
    ],
    ids=["body", "query", "path", "method"],
)
async def test_a_key_belongs_to_one_request(
    person: Person, effects: Effects, method: str, path: str, name: str
) -> None:
    ada = person()
    await ada.post("/api/things", json={"name": "one"}, headers=keyed())
    refused = await ada.request(method, path, json={"name": name}, headers=keyed())
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency.key_reused")
    assert await effects() == 1


async def test_a_key_that_is_none_is_refused_before_anything_is_done(person: Person, effects: Effects) -> None:
    refused = await person().post("/api/things", json={"name": "one"}, headers=keyed("short"))
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency.invalid_key")
    assert await effects() == 0


async def test_everybody_has_keys_of_their_own(person: Person, effects: Effects) -> None:
    for name in ("ada", "grace"):
        answer = await person(name).post("/api/things", json={"name": name}, headers=keyed())
        assert (answer.status_code, replayed(answer)) == (201, False)
    assert await effects() == 2


async def test_nobody_has_none(person: Person, effects: Effects, kept: Witness) -> None:
    for _ in range(2):
        answer = await person(None).post("/api/things/anybody", json={"name": "one"}, headers=keyed())
        assert (answer.status_code, replayed(answer)) == (200, False)
    assert (await effects(), await kept.fetchval("SELECT count(*) FROM seamark.idempotency_key")) == (2, 0)


async def test_who_is_signed_out_meanwhile_is_told_nothing_of_it(person: Person) -> None:
    await person().post("/api/things", json={"name": "one"}, headers=keyed())
    refused = await person(None).post("/api/things", json={"name": "one"}, headers=keyed())
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.sign_in_required")


async def test_a_safe_request_needs_none_and_takes_none(person: Person) -> None:
    ada = person()
    answers = [await ada.get("/api/things", headers=keyed("?")) for _ in range(2)]
    assert [(answer.status_code, replayed(answer)) for answer in answers] == [(200, False)] * 2


async def test_an_error_took_no_effect_so_the_request_may_be_made_again(person: Person, kept: Witness) -> None:
    ada = person()
    for path, json in (("/raising", {"name": "one"}), ("", {"no": "name"})):
        answers = [await ada.post(f"/api/things{path}", json=json, headers=keyed()) for _ in range(2)]
        assert [replayed(answer) for answer in answers] == [False, False]
    assert await kept.fetchval("SELECT count(*) FROM seamark.idempotency_key") == 0
    assert (await ada.post("/api/things", json={"name": "two"}, headers=keyed())).status_code == 201


async def test_a_refusal_that_was_committed_is_an_answer(person: Person, effects: Effects) -> None:
    ada = person()
    first, again = [await ada.post("/api/things/refusing", json={"name": "one"}, headers=keyed()) for _ in range(2)]
    assert (first.status_code, replayed(again), same(first, again), await effects()) == (403, True, True, 1)


async def test_what_is_too_large_to_keep_is_not_done_again_either(person: Person, effects: Effects) -> None:
    ada = person()
    first, again = [await ada.post("/api/things/large", json={"name": "one"}, headers=keyed()) for _ in range(2)]
    assert (first.status_code, len(first.content)) == (200, 70_002)
    assert (again.status_code, again.json()["code"], await effects()) == (409, "idempotency.answer_not_kept", 1)


async def test_an_answer_that_sets_the_session_is_not_kept(person: Person, kept: Witness) -> None:
    answer = await person().post("/api/things/session", json={"name": "one"}, headers=keyed())
    assert answer.headers["set-cookie"] == "seamark=secret"
    assert await kept.fetchval("SELECT count(*) FROM seamark.idempotency_key") == 0


async def test_an_expired_key_is_a_new_one(person: Person, effects: Effects, kept: Witness) -> None:
    ada = person()
    await ada.post("/api/things", json={"name": "one"}, headers=keyed())
    lives = await kept.fetchval("SELECT expires_at - now() FROM seamark.idempotency_key")
    assert 23 * 3600 < lives.total_seconds() <= 24 * 3600
    await kept.execute("UPDATE seamark.idempotency_key SET expires_at = now()")
    for again in (False, True):
        answer = await ada.post("/api/things", json={"name": "two"}, headers=keyed())
        assert (answer.status_code, replayed(answer)) == (201, again)
    assert await effects() == 2


async def test_a_form_is_the_same_with_another_boundary(person: Person, effects: Effects) -> None:
    ada = person()
    answers = [
        await ada.post("/api/things/file", files={"file": ("a.csv", b"one")}, headers=keyed()),
        await ada.post("/api/things/file", files={"file": ("a.csv", b"one")}, headers=keyed()),
        await ada.post("/api/things/file", files={"file": ("a.csv", b"two")}, headers=keyed()),
    ]
    boundaries = {answer.request.headers["content-type"] for answer in answers}
    assert len(boundaries) == 3
    assert [(answer.status_code, replayed(answer)) for answer in answers] == [(200, False), (200, True), (422, False)]
    assert await effects() == 1


async def test_a_route_that_reads_its_body_by_itself_gets_all_of_it(person: Person, effects: Effects) -> None:
    ada = person()
    first = await ada.post("/api/things/streamed", content=b"one", headers=keyed())
    again = await ada.post("/api/things/streamed", content=b"one", headers=keyed())
    other = await ada.post("/api/things/streamed", content=b"two", headers=keyed())
    assert [first.json(), again.json(), other.status_code, await effects()] == ["one", "one", 422, 1]


async def test_nothing_of_the_key_or_the_request_is_kept_but_digests(
    person: Person, kept: Witness, app: FastAPI
) -> None:
    await person().post("/api/things/silent", json={"name": "a secret"}, headers=keyed())
    row = await kept.fetchrow("SELECT * FROM seamark.idempotency_key")
    assert row is not None
    assert (len(row["key"]), len(row["fingerprint"]), row["body"]) == (32, 32, b"")
    assert KEY not in str(dict(row))
    assert "secret" not in str(dict(row))
