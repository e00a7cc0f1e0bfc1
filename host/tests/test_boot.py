"""Phase by phase to a running process, or to one message with everything that is wrong."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.embedded.ports import free_port
from framework.findings import BootError
from framework.module import Module
from framework.settings import Settings
from host.boot import create_app
from host.testing.fixtures import LifespanError, running

from framework import checks

UVICORN = (sys.executable, "-m", "uvicorn", "host.main:app", "--port")


class TestAProcess:
    """As a server starts it."""

    @contextmanager
    def serving(self, port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [*UVICORN, str(port)],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    async def test_serves_and_every_line_it_writes_is_json_with_an_id(self, environment: dict[str, str]) -> None:
        port = free_port(None)
        with self.serving(port, environment | {"SM_LOG_FORMAT": "json", "SM_LOG_LEVEL": "info"}) as process:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.timeout(60):
                while True:
                    try:
                        answer = await client.get("/api/app", headers={"x-correlation-id": "the-first-request"})
                        break
                    except httpx.TransportError:
                        assert process.poll() is None, process.communicate()
                        await asyncio.sleep(0.05)
            assert answer.json()["name"] == "Seamark"
            process.send_signal(signal.SIGTERM)
            written, complaints = await asyncio.to_thread(process.communicate, timeout=20)
        lines = [json.loads(line) for line in written.splitlines()]
        assert complaints == ""
        assert all(line["correlation_id"] for line in lines)
        events = [line["event"] for line in lines]
        assert "ready" in events
        assert any(event.startswith("Finished server process") for event in events)
        (access,) = [line for line in lines if line["event"] == "request"]
        assert (access["correlation_id"], access["path"], access["status"]) == ("the-first-request", "/api/app", 200)
        of_the_process = {line["correlation_id"] for line in lines if line["correlation_id"] != "the-first-request"}
        assert len(of_the_process) == 1

    def test_that_cannot_start_lists_everything_and_shows_no_traceback(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SM_")}
        environment |= {"SM_MODULES_ENABLED": "users,postbox", "SM_DATABASE_URL": "sqlite://"}
        done = subprocess.run([*UVICORN, "0"], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.splitlines()[0] == "Seamark cannot start: 4 problems"
        for said in (
            "SM001 SM_SECRET_KEY is not set",
            "SM001 SM_REDIS_URL is not set",
            "SM001 SM_DATABASE_URL is invalid",
            "SM003 SM_MODULES_ENABLED asks for 'postbox'",
        ):
            assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_behind_its_database_refuses_with_the_command(
        self, environment: dict[str, str], empty_database: str
    ) -> None:
        done = subprocess.run(
            [*UVICORN, "0"], env=os.environ | environment | {"SM_DATABASE_URL": empty_database}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode != 0
        assert "SM010" in done.stdout + done.stderr
        assert "sm migrate" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr

    def test_under_a_path_prefix_refuses(self, environment: dict[str, str]) -> None:
        done = subprocess.run(
            [*UVICORN, "0", "--root-path", "/app"], env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert "SM012 --root-path is given" in done.stderr
        assert "serve Seamark under a host name of its own" in done.stderr


class TestStarting:
    async def test_is_refused_in_production_for_what_is_unsafe_there(self, make_app: Callable[..., FastAPI]) -> None:
        app = make_app(environment="production", secret_key="short", public_url="http://seamark.test")
        with pytest.raises(LifespanError) as refused:
            async with running(app):
                raise AssertionError("started")
        assert "SM013 SM_SECRET_KEY has 5 characters" in str(refused.value)
        assert "SM021 SM_PUBLIC_URL is http://seamark.test" in str(refused.value)

    async def test_may_be_told_that_a_danger_is_accepted(self, make_app: Callable[..., FastAPI]) -> None:
        app = make_app(
            environment="production", public_url="http://seamark.test", silenced_checks="SM021=behind a VPN", secret_key="PxW4bVn1QkTz8mLr5yHc2dJs7gFa0eUo",
        )  # fmt: skip
        async with running(app):
            pass

    async def test_is_refused_when_the_database_stays_away(self, make_app: Callable[..., FastAPI], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        monkeypatch.setattr("framework.migrating.gate.DATABASE_WAIT", 0.0)
        app = make_app(database_url="postgresql+asyncpg://a:canary@127.0.0.1:1/x")
        with pytest.raises(LifespanError, match="SM014 Postgres") as refused:
            async with running(app):
                raise AssertionError("started")
        assert "canary" not in str(refused.value)

    async def test_warns_of_modules_that_are_not_told_of_their_events(
        self, make_app: Callable[..., FastAPI], application: Application, clean: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[tuple[str, str]] = []

        def warning(event: str, *, code: str, message: str, hint: str) -> None:
            said.append((code, message))

        monkeypatch.setattr(checks.log, "warning", warning, raising=False)
        async with running(make_app()):
            assert "SM040" not in [code for code, _ in said]
        async with application.database.driver_connection() as connection:
            await connection.execute("DELETE FROM seamark.subscription WHERE module = 'contacts'")
        async with running(make_app()):
            assert ("SM040", "contacts is not told of users.account_deleted") in said

    @pytest.mark.parametrize("way", ["--root-path=/app", "--root-path", "UVICORN_ROOT_PATH"])
    def test_is_refused_under_a_path_prefix(
        self, make_app: Callable[..., FastAPI], monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        if way.startswith("--"):
            monkeypatch.setattr(sys, "argv", ["uvicorn", "host.main:app", way])
        else:
            monkeypatch.setenv(way, "/app")
        with pytest.raises(BootError, match="SM012"):
            make_app()

    async def test_enters_each_modules_lifespan_in_order_and_leaves_them_in_reverse(
        self, make_app: Callable[..., FastAPI]
    ) -> None:
        happened: list[str] = []

        def lifespan_of(name: str) -> Callable[[Application], AbstractAsyncContextManager[None]]:
            @asynccontextmanager
            async def lifespan(application: Application) -> AsyncIterator[None]:
                await application.redis.ping()
                happened.append(f"{name} in")
                yield
                await application.redis.ping()
                happened.append(f"{name} out")

            return lifespan

        app = make_app(modules_enabled=("users",))
        application: Application = app.state.application
        application.modules = tuple(Module(name=name, label="", lifespan=lifespan_of(name)) for name in ("one", "two"))
        async with running(app):
            assert happened == ["one in", "two in"]
        assert happened == ["one in", "two in", "two out", "one out"]

    @pytest.mark.parametrize("optional", [False, True])
    async def test_goes_on_without_a_module_that_does_not_start_only_where_it_is_optional(
        self, make_app: Callable[..., FastAPI], optional: bool
    ) -> None:
        @asynccontextmanager
        async def lifespan(_: Application) -> AsyncIterator[None]:
            raise ConnectionError("no service")
            yield

        app = make_app(modules_enabled=("users",))
        application: Application = app.state.application
        application.modules = (Module(name="one", label="", lifespan=lifespan, optional=optional),)
        if not optional:
            with pytest.raises(LifespanError, match="no service"):
                async with running(app):
                    pytest.fail("it serves")
        else:
            async with running(app):
                assert set(application.health.closed) == {"one"}

    def test_lists_settings_and_modules_in_one_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SM_MODULES_ENABLED", "postbox")
        monkeypatch.setenv("SM_MAX_BODY", "many")
        with pytest.raises(BootError) as refused:
            create_app()
        assert {finding.code for finding in refused.value.findings} >= {"SM001", "SM003"}


class TestAModuleThatIsNotEnabled:
    """Is not there: no page, no route, no navigation, no permission, and nothing of it is imported."""

    async def test_has_neither_routes_nor_pages(self, make_app: Callable[..., FastAPI], browse: Callable[[FastAPI], httpx.AsyncClient]) -> None:  # fmt: skip
        client = browse(make_app(modules_enabled=("users",)))
        assert (await client.get("/api/contacts")).status_code == 404
        assert (await client.get("/contacts")).status_code == 404
        assert (await client.get("/api/app")).json()["modules"] == ["users"]
        assert "/api/contacts" not in (await client.get("/api/openapi.json")).json()["paths"]
        assert not [name for name in make_app(modules_enabled=("users",)).state.application.permissions if name.startswith("contacts.")]  # fmt: skip

    def test_is_not_imported(self, environment: dict[str, str]) -> None:
        script = "import host.main, sys; print([name for name in ('users', 'contacts', 'admin', 'background_tasks') if name in sys.modules])"
        done = subprocess.run(
            [sys.executable, "-c", script], env=os.environ | environment | {"SM_MODULES_ENABLED": "users"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "['users']"


class TestTheDescriptionForTheBrowser:
    """``GET /api/app``: what there is for this person."""

    async def test_tells_a_stranger_what_is_installed_and_no_more(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/api/app")).json()
        assert (answer["name"], answer["environment"], answer["user"], answer["navigation"]) == (
            "Seamark",
            "test",
            None,
            [],
        )
        assert {"users", "contacts"} <= set(answer["modules"])

    async def test_shows_the_navigation_that_one_may_use(self, signed_in_client: Callable[..., Any]) -> None:
        nobody = await (await signed_in_client(email="ada@example.com")).get("/api/app")
        assert nobody.json()["user"]["email"] == "ada@example.com"
        assert nobody.json()["user"]["permissions"] == []
        reader = (await (await signed_in_client(permissions=("contacts.view",))).get("/api/app")).json()
        assert reader["user"]["permissions"] == ["contacts.view"]
        shown = {item["path"] for item in reader["navigation"]} - {item["path"] for item in nobody.json()["navigation"]}
        assert shown == {"/contacts"}

    async def test_gives_the_navigation_of_a_module_in_its_order(self, signed_in_client: Callable[..., Any]) -> None:
        answer = (await (await signed_in_client(administrator=True)).get("/api/app")).json()
        orders = [item["order"] for item in answer["navigation"] if item["module"] == "admin"]
        assert orders == sorted(orders)
        assert len(orders) > 1


def test_settings_given_by_hand_are_used_as_they_are(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(max_body=7)
    assert create_app(settings).state.application.settings is settings


def test_traces_are_recorded_by_one_setting_alone(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    # By which FastAPI would export by itself, with the text of exceptions.
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    telemetry = create_app(make_settings())._telemetry
    assert not any(telemetry[signal] for signal in ("tracing", "metrics", "logs"))
