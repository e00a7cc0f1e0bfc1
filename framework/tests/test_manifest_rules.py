"""What manifests must keep to, each rule by a module that breaks it, found by the way the boot finds it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from framework.findings import BootError
from framework.loader import load_modules

type Install = Callable[..., Path]


def problems(*enabled: str) -> str:
    with pytest.raises(BootError) as refused:
        load_modules(enabled)
    return str(refused.value)


def test_a_manifest_that_keeps_to_everything_is_loaded(install: Install) -> None:
    install(
        "alpha",
        """
        class AlphaSettings(ModuleSettings):
            model_config = SettingsConfigDict(env_prefix="SM_ALPHA_")
            size: int = 3

        router = Router("alpha")

        @router.get("")
        @policy(require("alpha.view"))
        async def list_things() -> list[str]: return []

        @router.post("")
        @policy(require("alpha.view"))
        async def add_thing(session: Session) -> None: ...

        @router.post("/pings")
        @policy(public, idempotent=True)
        async def ping() -> None: ...

        @router.get("/{id}")
        @policy(public)
        async def get_thing(id: int) -> None: ...

        async def up(application): ...

        @task("alpha.sweep")
        async def sweep(run): ...

        def say_hello(): ...

        module = Module(
            name="alpha", label="Alpha", router=router, settings=AlphaSettings, tasks=(sweep,),
            permissions=(Permission("alpha.view", "See"),), pages=("/alpha", "/alpha/{id}"),
            navigation=(Navigation("Alpha", "/alpha", "box", "alpha.view"),),
            health=(HealthCheck("alpha.up", up),), commands=(say_hello,),
        )
        """,
    )
    (module,) = load_modules(["alpha"])
    assert module.label == "Alpha"


@pytest.mark.parametrize(
    ("contribution", "complaint"),
    [
        ('permissions=(Permission("view", "See"),)', "permission 'view' should be named alpha.…"),
        ('health=(HealthCheck("beta.up", None),)', "health check 'beta.up' should be named alpha.…"),
        ('rate_limits=(RateLimit("beta.all", 5),)', "rate limit 'beta.all' should be named alpha.…"),
        ('pages=("/alphabet",)', "page '/alphabet' should lie under /alpha"),
        ('pages=("/",)', "page '/' should lie under /alpha"),
        (
            'navigation=(Navigation("A", "/alpha", "box"),)',
            "navigation leads to '/alpha', which is not a page of alpha",
        ),
        ('router=Router("beta")', None),
    ],
)
def test_what_a_module_contributes_carries_its_name(install: Install, contribution: str, complaint: str | None) -> None:
    install("alpha", f'module = Module(name="alpha", label="", {contribution})')
    if complaint is None:
        load_modules(["alpha"])
    else:
        assert f"SM007 {complaint} (alpha)" in problems("alpha")


def test_a_task_carries_its_modules_name(install: Install) -> None:
    install(
        "alpha",
        """
        from datetime import timedelta

        @task("sweep")
        async def sweep(run): ...

        module = Module(name="alpha", label="", tasks=(sweep,), schedules=(Schedule(sweep, timedelta(hours=1)),))
        """,
    )
    said = problems("alpha")
    assert "SM007 task 'sweep' should be named alpha.…" in said
    assert "SM007 schedule 'sweep' should be named alpha.…" in said


def test_a_schedule_is_of_a_task_that_its_module_declares(install: Install) -> None:
    install(
        "alpha",
        """
        @task("alpha.sweep")
        async def sweep(run): ...

        module = Module(name="alpha", label="", schedules=(Schedule(sweep, cron="0 3 * * *"),))
        """,
    )
    assert (
        "SM007 schedule 'alpha.sweep' is of the task 'alpha.sweep', which alpha does not declare (alpha)"
        in problems("alpha")
    )


def test_two_schedules_of_one_task_are_told_apart_by_name(install: Install) -> None:
    install(
        "alpha",
        """
        from datetime import timedelta

        @task("alpha.sweep")
        async def sweep(run): ...

        module = Module(name="alpha", label="", tasks=(sweep,), schedules=(
            Schedule(sweep, cron="0 3 * * *"), Schedule(sweep, every=timedelta(hours=1)),
        ))
        """,
    )
    assert "SM006 schedule 'alpha.sweep' is declared 2 times (alpha)" in problems("alpha")


def test_a_schedule_that_cannot_be_is_told_with_its_module(install: Install) -> None:
    install(
        "alpha",
        """
        @task("alpha.sweep")
        async def sweep(run): ...

        schedules = (Schedule(sweep, cron="0 3 * * *", timezone="Europe/Berln"),)
        module = Module(name="alpha", label="", tasks=(sweep,), schedules=schedules)
        """,
    )
    said = problems("alpha")
    assert "alpha" in said
    assert "schedule alpha.sweep: there is no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?" in said


def test_a_route_outside_the_modules_prefix_is_refused(install: Install) -> None:
    install(
        "alpha",
        """
        router = Router("beta")

        @router.get("/things")
        @policy(public)
        async def things(): ...

        module = Module(name="alpha", label="", router=router)
        """,
    )
    said = problems("alpha")
    assert "SM007 route '/api/beta/things' should lie under /api/alpha (alpha)" in said
    assert 'router = Router("alpha")' in said


def test_settings_carry_the_modules_prefix(install: Install) -> None:
    install(
        "alpha",
        """
        class AlphaSettings(ModuleSettings):
            model_config = SettingsConfigDict(env_prefix="SM_BETA_")
        module = Module(name="alpha", label="", settings=AlphaSettings)
        """,
    )
    assert "SM007 settings prefix 'SM_BETA_' should be SM_ALPHA_ (alpha)" in problems("alpha")


def test_a_route_without_a_policy_is_refused(install: Install) -> None:
    install(
        "alpha",
        """
        router = Router("alpha")

        @router.get("")
        async def open_door(): ...

        module = Module(name="alpha", label="", router=router)
        """,
    )
    said = problems("alpha")
    assert "SM008 alpha.module.open_door declares no policy (alpha)" in said
    assert '@policy(require("alpha.view"))' in said


def test_a_websocket_without_a_policy_is_refused_too(install: Install) -> None:
    install(
        "alpha",
        """
        router = Router("alpha")

        @router.websocket("/live")
        async def live(socket): ...

        module = Module(name="alpha", label="", router=router)
        """,
    )
    assert "SM008 alpha.module.live declares no policy (alpha)" in problems("alpha")


def test_a_route_may_only_ask_for_permissions_of_its_own_module(install: Install) -> None:
    install(
        "alpha",
        """
        router = Router("alpha")

        @router.get("")
        @policy(require("alpha.viwe"))
        async def things(): ...

        module = Module(name="alpha", label="", router=router, permissions=(Permission("alpha.view", ""),))
        """,
    )
    said = problems("alpha")
    assert "SM007 alpha.module.things requires 'alpha.viwe', which alpha does not declare (alpha)" in said


def test_a_route_is_of_a_rate_class_that_a_rule_of_its_module_counts(install: Install) -> None:
    manifest = """
        router = Router("alpha")

        @router.get("")
        @policy(public, rate_class="exprots")
        async def things(): ...

        module = Module(name="alpha", label="", router=router, rate_limits=(RateLimit("alpha.exports", 5, rate_class="{}"),))
        """
    install("alpha", manifest.format("exports"))
    said = problems("alpha")
    assert (
        "SM007 alpha.module.things is of the rate class 'exprots', which no rate limit of alpha counts (alpha)" in said
    )


def test_a_rate_class_that_no_route_names_is_for_what_the_module_charges_itself(install: Install) -> None:
    install("alpha", 'module = Module(name="alpha", label="", rate_limits=(RateLimit("alpha.a", 5, rate_class="a"),))')
    load_modules(["alpha"])


def test_navigation_may_ask_for_permissions_of_required_modules_only(install: Install) -> None:
    manifest = """
        module = Module(
            name="{0}", label="", pages=("/{0}",), requires={1},
            navigation=(Navigation("", "/{0}", "box", "gamma.view"),),
        )
        """
    install("gamma", 'module = Module(name="gamma", label="", permissions=(Permission("gamma.view", ""),))')
    install("alpha", manifest.format("alpha", ("gamma",)))
    load_modules(["alpha"])
    install("beta", manifest.format("beta", ()))
    said = problems("beta", "gamma")
    assert "SM007 navigation to '/beta' asks for 'gamma.view', which neither beta nor what it requires declares" in said


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        ('pages=("/alpha/{id}", "/alpha/{number}")', "page '/alpha/{}' is declared 2 times"),
        (
            'permissions=(Permission("alpha.a", ""), Permission("alpha.a", ""))',
            "permission 'alpha.a' is declared 2 times",
        ),
        (
            'health=(HealthCheck("alpha.a", None), HealthCheck("alpha.a", None))',
            "health check 'alpha.a' is declared 2 times",
        ),
        (
            'rate_limits=(RateLimit("alpha.a", 5), RateLimit("alpha.a", 6, rate_class="a"))',
            "rate limit 'alpha.a' is declared 2 times",
        ),
    ],
)
def test_what_a_module_declares_twice_is_refused(install: Install, declaration: str, complaint: str) -> None:
    install("alpha", f'module = Module(name="alpha", label="", {declaration})')
    assert f"SM006 {complaint} (alpha)" in problems("alpha")


def test_one_method_and_path_has_one_route_whatever_its_placeholders_are_called(install: Install) -> None:
    install(
        "alpha",
        """
        router = Router("alpha")

        @router.get("/{id}")
        @policy(public)
        async def one(id: int): ...

        @router.get("/{name}")
        @policy(public)
        async def other(name: str): ...

        @router.put("/{name}")
        @policy(public)
        async def put(name: str): ...

        module = Module(name="alpha", label="", router=router)
        """,
    )
    said = problems("alpha")
    assert "SM006 route 'GET /api/alpha/{}' is declared 2 times (alpha)" in said
    assert "PUT" not in said


def test_two_modules_that_claim_one_thing_are_both_named(install: Install) -> None:
    for name in ("alpha", "beta"):
        install(
            name,
            f"""
            @task("shared.sweep")
            async def sweep(run): ...

            def tidy_up(): ...

            module = Module(
                name="{name}", label="", tasks=(sweep,), commands=(tidy_up,), pages=("/shared",),
                permissions=(Permission("shared.view", ""),), health=(HealthCheck("shared.up", None),),
            )
            """,
        )
    said = problems("alpha", "beta")
    for claim in (
        "task 'shared.sweep'",
        "permission 'shared.view'",
        "health check 'shared.up'",
        "page '/shared'",
        "command 'tidy-up'",
    ):
        assert f"SM006 {claim} belongs to alpha and to beta (beta)" in said


def test_two_settings_that_are_read_from_one_variable_are_refused(install: Install) -> None:
    settings = """
        class OwnSettings(ModuleSettings):
            model_config = SettingsConfigDict(env_prefix="SM_{0}_")
            {1}: int = 1
        module = Module(name="{2}", label="", settings=OwnSettings)
        """
    install("alpha", settings.format("ALPHA", "beta_size", "alpha"))
    install("alpha_beta", settings.format("ALPHA_BETA", "size", "alpha_beta"))
    install("database", settings.format("DATABASE", "url", "database"))
    said = problems("alpha", "alpha_beta", "database")
    assert "SM006 setting 'SM_ALPHA_BETA_SIZE' belongs to alpha and to alpha_beta (alpha_beta)" in said
    assert "SM006 setting 'SM_DATABASE_URL' belongs to seamark and to database (database)" in said


def test_two_modules_that_authenticate_are_both_named(install: Install) -> None:
    for name in ("alpha", "beta"):
        install(
            name,
            f"""
            from framework.principal import Authentication
            module = Module(name="{name}", label="", authentication=Authentication(None, None))
            """,
        )
    said = problems("alpha", "beta")
    assert "SM006 alpha and beta both authenticate (beta)" in said


def test_a_mounted_application_is_refused(install: Install) -> None:
    install(
        "alpha",
        """
        router = Router("alpha")
        router.mount("/files", lambda *_: None)
        module = Module(name="alpha", label="", router=router)
        """,
    )
    assert "SM020 Mount '/files' is neither an HTTP nor a WebSocket route (alpha)" in problems("alpha")


def test_an_included_router_is_refused_with_what_to_do_instead(install: Install) -> None:
    install(
        "alpha",
        """
        router = Router("alpha")
        router.include_router(Router("alpha"))
        module = Module(name="alpha", label="", router=router)
        """,
    )
    assert "SM002 alpha.module:module raised TypeError: a module has one Router" in problems("alpha")


STREAM = """
        from collections.abc import AsyncIterator
        from typing import Annotated
        from fastapi import Depends
        from fastapi.responses import StreamingResponse
        from fastapi.sse import EventSourceResponse
        from framework.request_session import Session

        async def through(session: Session): ...

        router = Router("alpha")

        {0}

        module = Module(name="alpha", label="", router=router)
        """


@pytest.mark.parametrize(
    "route",
    [
        """
        @router.get("", response_class=EventSourceResponse)
        @policy(public)
        async def stream(session: Session):
            yield {}
        """,
        """
        @router.get("", response_class=StreamingResponse)
        @policy(public)
        async def stream(session: Session): ...
        """,
        """
        @router.get("")
        @policy(public)
        async def stream(session: Session) -> StreamingResponse: ...
        """,
        """
        @router.get("")
        @policy(public)
        async def stream(session: Session) -> "StreamingResponse": ...
        """,
        """
        @router.get("")
        @policy(public)
        def stream(session: Session):
            yield b""
        """,
        """
        @router.get("", response_class=StreamingResponse)
        @policy(public)
        async def stream(found: Annotated[None, Depends(through)]): ...
        """,
    ],
)
def test_a_stream_that_takes_the_requests_session_is_refused(install: Install, route: str) -> None:
    install("alpha", STREAM.format(route))
    said = problems("alpha")
    assert "SM011 alpha.module.stream streams its answer and takes the request's Session (alpha)" in said
    assert "open a unit of work inside the stream" in said


def test_a_stream_without_the_session_and_a_session_without_a_stream_are_fine(install: Install) -> None:
    install(
        "alpha",
        STREAM.format("""
        @router.get("/a", response_class=StreamingResponse)
        @policy(public)
        async def stream(): ...

        @router.get("/b")
        @policy(public)
        async def plain(session: Session) -> None: ...
        """),
    )
    load_modules(["alpha"])


def test_an_unsafe_route_keeps_idempotency_keys_or_says_that_it_needs_none(install: Install) -> None:
    install(
        "alpha",
        """
        from typing import Annotated
        from fastapi import Depends

        router = Router("alpha")

        @router.post("/charges")
        @policy(signed_in)
        async def charge() -> None: ...

        @router.put("/letters")
        @policy(public)
        async def write(session: Session) -> None: ...

        @router.delete("/seats")
        @policy(optional)
        async def leave(session: Session) -> None: ...

        @router.post("/pings")
        @policy(public, idempotent=True)
        async def ping() -> None: ...

        async def service(session: Session) -> None: ...

        @router.post("/orders")
        @policy(signed_in)
        async def order(service: Annotated[None, Depends(service)]) -> None: ...

        module = Module(name="alpha", label="", router=router)
        """,
    )
    said = problems("alpha")
    for name in ("charge", "write", "leave"):
        assert f"SM048 alpha.module.{name} keeps no idempotency key" in said
    assert said.count("SM048") == 3
