"""Errors are problem documents (RFC 9457) with a stable code, and say nothing of what went wrong inside."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI, Request
from fastapi.responses import StreamingResponse
from framework.policies import policy, public
from framework.problems import Problem, title
from framework.routing import Router
from pydantic import BaseModel, SecretStr, field_validator
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]

CANARY = "canary-7f3a9c"


class Address(BaseModel):
    city: str


class Person(BaseModel):
    name: str
    password: SecretStr
    address: Address

    @field_validator("name")
    @classmethod
    def not_nobody(cls, name: str) -> str:
        if name == "nobody":
            raise ValueError("must be somebody")
        return name


def router() -> Router:
    people = Router("people")

    @people.get("/bug")
    @policy(public)
    async def bug() -> None:
        raise RuntimeError(f"SELECT password FROM people WHERE token = '{CANARY}'")

    @people.get("/wrong-answer", response_model=Person)
    @policy(public)
    async def wrong_answer() -> dict[str, str]:
        return {"name": CANARY}

    @people.get("/problem")
    @policy(public)
    async def problem() -> None:
        raise Problem(
            409, "people.stale", "Somebody else was faster.", headers={"x-version": "7"}, errors=[{"field": "version", "message": "6"}], current=7,
        )  # fmt: skip

    @people.get("/teapot")
    @policy(public)
    async def teapot() -> None:
        raise HTTPException(418, headers={"x-tea": "mint"})

    @people.post("")
    @policy(public)
    async def add(person: Person) -> None: ...

    @people.post("/raw")
    @policy(public)
    async def raw(request: Request) -> int:
        return len(await request.body())

    @people.post("/bytes")
    @policy(public)
    async def as_json(data: Annotated[dict[str, str], Body()]) -> int:
        return len(data)

    @people.post("/large")
    @policy(public, max_body=1000)
    async def large(request: Request) -> int:
        return len(await request.body())

    @people.get("/half")
    @policy(public)
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"the first half"
            raise RuntimeError(CANARY)

        return StreamingResponse(parts())

    @people.get("/gone")
    @policy(public)
    async def gone() -> None:
        raise ClientDisconnect

    return people


@pytest.fixture
def app(build: Build) -> FastAPI:
    return build(router(), max_body=100)


@pytest.fixture
def client(app: FastAPI, browse: Browse) -> httpx.AsyncClient:
    return browse(app)


def document(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert answer.status_code == body["status"] == status
    assert body["code"] == code
    assert body["title"] == title(status)
    assert body["type"] == "about:blank"
    assert body["correlation_id"] == answer.headers["x-correlation-id"]
    return body


async def test_an_unknown_address_of_the_api_is_a_404(client: httpx.AsyncClient) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await client.request(method, "/api/nothing")
        if method == "HEAD":
            assert (answer.status_code, answer.content) == (404, b"")
        else:
            document(answer, 404, "http.not_found")


async def test_another_method_is_a_405_that_lists_those_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/people/bug")
    document(answer, 405, "http.method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


async def test_a_bug_is_a_500_whose_reason_only_the_log_knows(
    client: httpx.AsyncClient, logged: list[dict[str, Any]]
) -> None:
    answer = await client.get("/api/people/bug")
    body = document(answer, 500, "internal_error")
    assert CANARY not in answer.text
    assert "SELECT" not in answer.text
    assert "id below finds it" in body["detail"]
    (failure,) = [line for line in logged if line["event"] == "request failed"]
    assert (failure["method"], failure["path"], failure["exc_info"]) == ("GET", "/api/people/bug", True)


async def test_an_answer_that_does_not_fit_its_model_is_a_bug_and_not_sent(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/people/wrong-answer")
    document(answer, 500, "internal_error")
    assert CANARY not in answer.text


async def test_a_problem_carries_its_code_detail_errors_members_and_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/people/problem")
    body = document(answer, 409, "people.stale")
    assert (body["detail"], body["errors"], body["current"]) == ("Somebody else was faster.", [{"field": "version", "message": "6"}], 7)  # fmt: skip
    assert answer.headers["x-version"] == "7"


async def test_what_frameworks_raise_has_the_same_form(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/people/teapot")
    document(answer, 418, "http.im_a_teapot")
    assert answer.headers["x-tea"] == "mint"


async def test_invalid_fields_are_named_with_what_is_wrong_and_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/people", json={"name": "nobody", "password": [CANARY], "address": {"city": 7}})
    body = document(answer, 422, "request.invalid")
    assert {error["field"]: error["message"] for error in body["errors"]} == {
        "name": "Must be somebody",
        "password": "Input should be a valid string",
        "address.city": "Input should be a valid string",
    }
    assert CANARY not in answer.text


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "null", "{'a': 1}"])
async def test_a_body_that_is_no_object_is_wrong_as_a_whole(client: httpx.AsyncClient, content: str) -> None:
    answer = await client.post("/api/people", content=content, headers={"content-type": "application/json"})
    body = document(answer, 422, "request.invalid")
    assert [error["field"] for error in body["errors"]] == ["body"]


async def test_a_body_that_is_not_text_is_refused_as_such(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/people", content=b'{"name": "\xff"}', headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_titles_and_codes_are_those_of_rfc_9110_on_every_python() -> None:
    assert [title(status) for status in (413, 414, 416, 422)] == ["Content Too Large", "URI Too Long", "Range Not Satisfiable", "Unprocessable Content"]  # fmt: skip


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 10):
        yield b"x" * 10


class TestTheSizeOfABody:
    async def test_up_to_the_limit_it_is_taken(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/people/raw", content=b"x" * 100)).json() == 100
        assert (await client.post("/api/people/raw", content=chunks(100))).json() == 100

    async def test_declared_too_large_it_is_refused_unread(self, app: FastAPI) -> None:
        sent: list[dict[str, Any]] = []
        headers = [(b"content-length", b"101")]
        scope = {"type": "http", "method": "POST", "path": "/api/people/raw", "query_string": b"", "headers": headers}

        async def receive() -> dict[str, Any]:
            raise AssertionError("the body was read")

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        assert sent[0]["status"] == 413
        assert (b"connection", b"close") in sent[0]["headers"]

    async def test_growing_too_large_it_is_refused_alike(self, client: httpx.AsyncClient) -> None:
        declared = await client.post("/api/people/raw", content=b"x" * 200)
        grown = await client.post("/api/people/raw", content=chunks(200))
        one, other = document(declared, 413, "request.too_large"), document(grown, 413, "request.too_large")
        assert one | {"correlation_id": ""} == other | {"correlation_id": ""}
        assert declared.headers["connection"] == grown.headers["connection"] == "close"

    async def test_where_fastapi_reads_it_as_json_it_is_refused_as_well(self, client: httpx.AsyncClient) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield b'{"a": "'
            yield b"x" * 200
            yield b'"}'

        answer = await client.post("/api/people/bytes", content=body(), headers={"content-type": "application/json"})
        document(answer, 413, "request.too_large")

    async def test_a_length_that_lies_is_found_out(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/people/raw", content=chunks(200), headers={"content-length": "10"})
        assert answer.status_code == 413

    async def test_a_route_may_take_more(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/people/large", content=b"x" * 1000)).json() == 1000
        answer = await client.post("/api/people/large", content=b"x" * 1001)
        assert document(answer, 413, "request.too_large")["detail"] == "The body may have at most 1 KiB."

    async def test_an_unknown_address_takes_no_more_than_any_other(self, client: httpx.AsyncClient) -> None:
        document(await client.post("/api/nothing", content=b"x" * 200), 413, "request.too_large")


async def test_an_answer_that_breaks_half_way_is_cut_off_and_logged(app: FastAPI, logged: list[dict[str, Any]]) -> None:
    sent: list[dict[str, Any]] = []
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET", "path": "/api/people/half", "query_string": b"", "headers": []}  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(RuntimeError):
        await app(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert [line["event"] for line in logged] == ["request failed", "request"]


async def test_a_client_that_went_away_is_no_failure(app: FastAPI, logged: list[dict[str, Any]]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("nobody is there")

    await app(
        {"type": "http", "method": "GET", "path": "/api/people/gone", "query_string": b"", "headers": []}, receive, send
    )
    assert [(line["log_level"], line.get("status")) for line in logged] == [("info", None), ("info", 499)]
