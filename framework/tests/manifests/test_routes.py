"""A route lies under its module's address, says who may call it, and may be asked twice."""

from .conftest import Install, problems


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
