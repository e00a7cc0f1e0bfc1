"""What a module contributes is its own, and carries its name."""

import pytest
from framework.loader import load_modules

from .conftest import Install, problems


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
            health=(HealthCheck("alpha.up", up, ""),), commands=(say_hello,),
        )
        """,
    )
    (module,) = load_modules(["alpha"])
    assert module.label == "Alpha"


@pytest.mark.parametrize(
    ("contribution", "complaint"),
    [
        ('permissions=(Permission("view", "See"),)', "permission 'view' should be named alpha.…"),
        ('health=(HealthCheck("beta.up", None, ""),)', "health check 'beta.up' should be named alpha.…"),
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


def test_a_rate_class_that_no_route_names_is_for_what_the_module_charges_itself(install: Install) -> None:
    install("alpha", 'module = Module(name="alpha", label="", rate_limits=(RateLimit("alpha.a", 5, rate_class="a"),))')
    load_modules(["alpha"])
