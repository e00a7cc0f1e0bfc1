"""Three questions: does this process live, can it serve, how is everything; each answers those who may ask."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.circuit_breaker import Breakers
from framework.health import HealthCheck, HealthResult, readiness
from framework.module import Module

type Make = Callable[..., FastAPI]
type Browse = Callable[[FastAPI], httpx.AsyncClient]
type SignedIn = Callable[..., Awaitable[httpx.AsyncClient]]

NOWHERE = {
    "database_url": "postgresql+asyncpg://nobody:canary-7f3a9c@127.0.0.1:1/nowhere",
    "redis_url": "redis://127.0.0.1:1/0",
}


class TestLiveness:
    async def test_asks_nothing_of_anybody(self, make_app: Make, browse: Browse) -> None:
        answer = await browse(make_app(**NOWHERE)).get("/health", headers={"cookie": "__Host-seamark=x"})
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


class TestReadiness:
    async def test_is_given_when_the_database_answers_and_fits(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer.headers["cache-control"] == "no-store"

    async def test_is_refused_while_the_process_drains_and_all_else_is_served(
        self, make_app: Make, browse: Browse
    ) -> None:
        app = make_app()
        app.state.application.drain.draining = True
        client = browse(app)
        answers = {path: await client.get(path) for path in ("/health/ready", "/health", "/api/app")}
        assert [answer.status_code for answer in answers.values()] == [503, 200, 200]
        assert {answer.headers["connection"] for answer in answers.values()} == {"close"}

    async def test_is_refused_without_a_word_when_it_does_not_answer(self, make_app: Make, browse: Browse) -> None:
        answer = await browse(make_app(**NOWHERE)).get("/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})

    async def test_is_refused_without_a_word_when_it_is_behind(
        self, make_app: Make, browse: Browse, empty_database: str
    ) -> None:
        answer = await browse(make_app(database_url=empty_database)).get("/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})

    async def test_is_refused_in_time_when_the_database_hangs(self, make_app: Make, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        monkeypatch.setattr(readiness, "WITHIN", 0.05)
        async with await asyncio.start_server(hang, "127.0.0.1", 0) as server, asyncio.timeout(2):
            url = f"postgresql+asyncpg://a:b@127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
            answer = await browse(make_app(database_url=url)).get("/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


class TestHealth:
    @pytest.fixture
    def with_check(self, application: Application, monkeypatch: pytest.MonkeyPatch) -> Callable[[HealthCheck], None]:
        """Let the running application have one check more."""

        def with_check(check: HealthCheck) -> None:
            more = Module(name="example", label="Example", health=(check,))
            monkeypatch.setattr(application, "modules", (*application.modules, more))

        return with_check

    @pytest.fixture
    async def operator(self, signed_in_client: SignedIn) -> httpx.AsyncClient:
        return await signed_in_client(permissions=("admin.health.view",))

    async def test_is_for_those_with_the_permission(
        self, client: httpx.AsyncClient, signed_in_client: SignedIn
    ) -> None:
        assert (await client.get("/admin/health")).status_code == 401
        assert (await (await signed_in_client()).get("/admin/health")).status_code == 403

    async def test_lists_the_checks_of_the_framework_and_of_every_module(self, operator: httpx.AsyncClient, application: Application) -> None:  # fmt: skip
        answer = await operator.get("/admin/health")
        assert answer.status_code == 200
        names = {check["name"] for check in answer.json()["checks"]}
        own = {"seamark.database", "seamark.redis", "seamark.outgoing"}
        assert own < names
        assert names == own | {check.name for module in application.modules for check in module.health}
        assert all(
            set(check) == {field.name for field in fields(HealthResult)} and check["affects"]
            for check in answer.json()["checks"]
        )

    async def test_names_the_services_that_calls_are_held_back_to(self, operator: httpx.AsyncClient, application: Application, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        monkeypatch.setattr(application, "breakers", Breakers(application.link))
        # What was found a moment ago would still be the answer.
        monkeypatch.setattr(application, "_health", None)
        for _ in range(10):
            await (await application.breakers.acquire("mail.example.com")).failed()
        answer = await operator.get("/admin/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        (check,) = (check for check in answer.json()["checks"] if check["name"] == "seamark.outgoing")
        assert check["status"] == "degraded"
        assert check["remark"].startswith("Calls are held back to mail.example.com (the next may try in ")
        await application.health.close()

    @pytest.mark.parametrize(("critical", "status", "whole"), [(True, 503, "failed"), (False, 200, "degraded")])
    async def test_fails_as_a_whole_only_when_a_critical_check_does(
        self,
        operator: httpx.AsyncClient,
        with_check: Callable[[HealthCheck], None],
        critical: bool,
        status: int,
        whole: str,
    ) -> None:
        async def broken(_: Application) -> None:
            raise LookupError("canary-7f3a9c")

        with_check(HealthCheck("example.part", broken, "Something.", critical=critical))
        answer = await operator.get("/admin/health")
        assert (answer.status_code, answer.json()["status"]) == (status, whole)
        assert "canary" not in answer.text
        assert "LookupError" not in answer.text

    async def test_is_never_a_page(self, client: httpx.AsyncClient) -> None:
        for path in ("/admin/health", "/admin/health/"):
            answer = await client.get(path, headers={"accept": "text/html"})
            assert answer.headers["content-type"] == "application/problem+json"


async def test_probes_take_no_other_method(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/health/ready", "/admin/health"):
        answer: Any = await client.post(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
