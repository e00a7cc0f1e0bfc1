"""What a route answers whose call failed, and that never is a 200."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from framework.application import CurrentApplication
from framework.outgoing import Degraded, OutgoingError
from framework.policies import policy, public
from framework.routing import Router
from host.testing.service import Answering, answer, hang_up, silence

from .conftest import Start

type Build = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]


def calling(url: str, *, degraded: bool = False) -> Router:
    router = Router("caller")

    @router.post("/")
    @policy(public)
    async def call(application: CurrentApplication) -> int:
        try:
            response = await application.http.request("POST", url)
        except OutgoingError:
            if degraded:
                raise Degraded("caller.lookup_unavailable", "Names are not looked up at present.") from None
            raise
        return response.raise_for_status().status_code

    return router


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry_after"),
    [
        (silence, 504, "outgoing.timeout", "2"),
        (hang_up, 502, "outgoing.unavailable", "2"),
        (answer(503, headers={"retry-after": "30"}), 503, "outgoing.unavailable", "30"),
        (answer(404), 502, "outgoing.bad_response", None),
        (answer(200, headers={"content-length": "99999999"}), 502, "outgoing.bad_response", None),
    ],
    ids=["silence", "broken", "unavailable", "not found", "too large"],
)
async def test_a_failed_call_that_nobody_catches(
    build: Build, browse: Browse, start: Start, fault: Answering, status: int, code: str, retry_after: str | None
) -> None:
    service = await start(fault)
    app = build(calling(service.url), outgoing_allowed=(service.address,), outgoing_read_timeout=0.1)
    response = await browse(app).post("/api/caller/")
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers.get("retry-after") == retry_after
    # Whom we call, and how it failed, is nobody's business.
    assert service.address not in response.text


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://127.0.0.1:1/", 502, "outgoing.refused"),
        ("http://10.0.0.1/", 502, "outgoing.forbidden_address"),
        ("http://[nonsense/", 502, "outgoing.forbidden_address"),
        ("nonsense", 502, "outgoing.forbidden_address"),
    ],
)
async def test_a_call_that_reaches_nobody(build: Build, browse: Browse, url: str, status: int, code: str) -> None:
    response = await browse(build(calling(url), outgoing_allowed=("127.0.0.1:1",))).post("/api/caller/")
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_declared_degraded_answer_is_an_error_with_a_code(build: Build, browse: Browse, start: Start) -> None:
    """The tutorial's checkout answers 200 with an error inside."""
    service = await start(hang_up)
    app = build(calling(service.url, degraded=True), outgoing_allowed=(service.address,))
    response = await browse(app).post("/api/caller/")
    assert (response.status_code, response.json()["code"]) == (503, "caller.lookup_unavailable")
    assert response.headers["retry-after"] == "5"
