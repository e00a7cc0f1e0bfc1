"""What can have one owner only, within a module and between them."""

import pytest

from .conftest import Install, problems


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        ('pages=("/alpha/{id}", "/alpha/{number}")', "page '/alpha/{}' is declared 2 times"),
        (
            'permissions=(Permission("alpha.a", ""), Permission("alpha.a", ""))',
            "permission 'alpha.a' is declared 2 times",
        ),
        (
            'health=(HealthCheck("alpha.a", None, ""), HealthCheck("alpha.a", None, ""))',
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
                permissions=(Permission("shared.view", ""),), health=(HealthCheck("shared.up", None, ""),),
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
