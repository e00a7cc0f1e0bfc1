"""What is too much to take apart is refused before anybody tries."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Form
from framework.json_body import MOST_VALUES, PIECE, values_in
from framework.middleware.body_limit import MAX_URLENCODED
from framework.middleware.head_limit import MAX_HEADER_BYTES, MAX_HEADERS, MAX_LINE
from framework.policies import policy, public
from framework.problems import MOST_ERRORS
from framework.routing import Router
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""
    numbers: list[int] = []


@pytest.fixture
def client(build: Build, browse: Browse) -> httpx.AsyncClient:
    things = Router("things")

    @things.get("")
    @policy(public)
    async def get_things() -> int:
        return 1

    @things.post("")
    @policy(public)
    async def add(thing: Thing) -> int:
        return len(thing.numbers) + len(thing.name)

    @things.post("/form")
    @policy(public)
    async def fill(name: Annotated[str, Form()]) -> int:
        return len(name)

    return browse(build(things))


def refused(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()["code"]


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def count(value: Any) -> int:
    """Opening brackets, and a comma for every value after a first."""
    if isinstance(value, list | dict):
        inner = list(value.values()) if isinstance(value, dict) else value
        return max(0, len(inner) - 1) + sum(map(count, inner)) + 1
    return 0


@given(document=documents, as_ascii=st.booleans(), indent=st.sampled_from([None, 2]), spread=st.integers(0, 200))
def test_values_are_counted_whatever_lies_between_quotes(
    document: Any, as_ascii: bool, indent: int | None, spread: int
) -> None:
    # Texts of nothing but commas, so that quotes have to be looked at, and of lengths that end pieces anywhere.
    whole = [document, "," * (PIECE - spread), document, ',\\"[' * PIECE, document]
    text = json.dumps(whole, ensure_ascii=as_ascii, indent=indent).encode(errors="surrogatepass")
    assert values_in(text) == count(whole)


@given(document=documents)
def test_few_values_are_not_counted_too_low(document: Any) -> None:
    assert values_in(json.dumps(document).encode()) >= count(document)


class TestABody:
    async def test_of_as_many_values_as_are_allowed_is_read(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/things", json={"numbers": [1] * (MOST_VALUES - 2)})
        assert (answer.status_code, answer.json()) == (200, MOST_VALUES - 2)

    @pytest.mark.parametrize(
        "document",
        [{"numbers": [1] * MOST_VALUES}, {f"{key}": 1 for key in range(MOST_VALUES + 1)}, [[]] * MOST_VALUES],
        ids=["list", "object", "lists"],
    )
    async def test_of_more_is_refused(self, client: httpx.AsyncClient, document: Any) -> None:
        answer = await client.post("/api/things", json=document)
        assert refused(answer) == (413, "request.too_many_values")

    async def test_of_one_long_text_may_have_any_number_of_commas(self, client: httpx.AsyncClient) -> None:
        text = ',[{"\\' * MOST_VALUES
        answer = await client.post("/api/things", json={"name": text})
        assert (answer.status_code, answer.json()) == (200, len(text))

    async def test_that_is_wrong_everywhere_is_told_so_a_hundred_times(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/things", json={f"{key}": 1 for key in range(MOST_VALUES - 1)})
        assert refused(answer) == (422, "request.invalid")
        assert len(answer.json()["errors"]) == MOST_ERRORS

    async def test_that_is_a_form_has_a_smaller_limit(self, client: httpx.AsyncClient) -> None:
        filled = await client.post("/api/things/form", data={"name": "a" * (MAX_URLENCODED - 5)})
        assert (filled.status_code, filled.json()) == (200, MAX_URLENCODED - 5)
        refusal = await client.post("/api/things/form", data={"name": "a" * MAX_URLENCODED})
        assert refused(refusal) == (413, "request.too_large")


class TestAHead:
    async def test_with_a_long_address_is_refused(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/things", params={"q": "a" * (MAX_LINE - 30)})).status_code == 200
        assert refused(await client.get("/api/things", params={"q": "a" * MAX_LINE})) == (414, "request.uri_too_long")
        assert refused(await client.get("/a" + "/a" * MAX_LINE)) == (414, "request.uri_too_long")

    async def test_with_many_or_long_headers_is_refused(self, client: httpx.AsyncClient) -> None:
        some = {f"x-{number}": "1" for number in range(MAX_HEADERS - 10)}
        assert (await client.get("/api/things", headers=some)).status_code == 200
        for headers in ({f"x-{number}": "1" for number in range(MAX_HEADERS)}, {"cookie": ";" * MAX_HEADER_BYTES}):
            answer = await client.get("/api/things", headers=headers)
            assert refused(answer) == (431, "request.headers_too_large")
