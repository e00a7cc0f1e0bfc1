"""Where settings come from and in which order, what is refused, and that no message repeats a value."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from framework.findings import BootError
from framework.settings import ModuleSettings, Settings, enabled_modules, load
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from framework import settings as settings_module

CANARY = "canary-7f3a9c"
REQUIRED = {
    "SM_SECRET_KEY": "a" * 40,
    "SM_DATABASE_URL": "postgresql+asyncpg://seamark:pw@localhost/seamark",
    "SM_REDIS_URL": "redis://localhost/0",
}

type Environ = Callable[..., None]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environ:
    """``environ(SM_X="1")`` beside what is required, in an empty folder, with no secrets mounted. ``None`` unsets."""
    for name in [name for name in os.environ if name.startswith("SM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings_module, "SECRETS_DIR", tmp_path / "secrets")

    def environ(**changes: str | None) -> None:
        for name, value in (REQUIRED | changes).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return environ


def refusal(settings_cls: type[Settings | ModuleSettings] = Settings) -> str:
    with pytest.raises(BootError) as refused:
        load(settings_cls)
    return str(refused.value)


class TestTheEnvironment:
    def test_unset_means_production(self, environ: Environ) -> None:
        environ()
        assert load(Settings).is_production

    @pytest.mark.parametrize("name", ["development", "test", "testing"])
    def test_three_names_are_not_production(self, environ: Environ, name: str) -> None:
        environ(SM_ENVIRONMENT=name)
        assert not load(Settings).is_production

    @pytest.mark.parametrize("name", ["production", "staging", "prod", "Development", "dev", "tests", "qa"])
    def test_anything_else_is_production(self, environ: Environ, name: str) -> None:
        environ(SM_ENVIRONMENT=name)
        assert load(Settings).is_production

    def test_logs_are_for_people_in_development_and_for_collectors_elsewhere(self, environ: Environ) -> None:
        environ(SM_ENVIRONMENT="development")
        assert load(Settings).log_format == "console"
        environ(SM_ENVIRONMENT="test")
        assert load(Settings).log_format == "json"
        environ(SM_ENVIRONMENT="test", SM_LOG_FORMAT="console")
        assert load(Settings).log_format == "console"


class TestWhereAValueComesFrom:
    def test_the_environment_comes_before_every_file(self, environ: Environ, tmp_path: Path) -> None:
        (tmp_path / "named").write_text("from the named file")
        (tmp_path / ".env").write_text("SM_SECRET_KEY=from .env")
        environ(SM_SECRET_KEY="from the environment", SM_SECRET_KEY_FILE=str(tmp_path / "named"))
        assert load(Settings).secret_key.get_secret_value() == "from the environment"

    def test_then_the_file_that_is_named(self, environ: Environ, tmp_path: Path) -> None:
        (tmp_path / "named").write_text("from the named file\n")
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets/sm_secret_key").write_text("mounted")
        (tmp_path / ".env").write_text("SM_SECRET_KEY=from .env")
        environ(SM_SECRET_KEY=None, SM_SECRET_KEY_FILE=str(tmp_path / "named"))
        assert load(Settings).secret_key.get_secret_value() == "from the named file"

    @pytest.mark.parametrize("name", ["sm_secret_key", "SM_SECRET_KEY"])
    def test_then_a_mounted_secret(self, environ: Environ, tmp_path: Path, name: str) -> None:
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / name).write_text("mounted\n")
        (tmp_path / ".env").write_text("SM_SECRET_KEY=from .env")
        environ(SM_SECRET_KEY=None)
        assert load(Settings).secret_key.get_secret_value() == "mounted"

    def test_then_dot_env_and_last_what_sm_dev_wrote(self, environ: Environ, tmp_path: Path) -> None:
        (tmp_path / ".seamark").mkdir()
        (tmp_path / ".seamark/run.env").write_text("SM_ENVIRONMENT=development\nSM_MAX_BODY=1\nSM_DATABASE_POOL_SIZE=7")
        (tmp_path / ".env").write_text("SM_MAX_BODY=2")
        environ()
        settings = load(Settings)
        assert (settings.environment, settings.max_body, settings.database_pool_size) == ("development", 2, 7)

    @pytest.mark.parametrize("said_in", ["environment", ".env"])
    def test_whoever_says_production_is_not_told_of_the_development_servers(
        self, environ: Environ, tmp_path: Path, said_in: str
    ) -> None:
        (tmp_path / ".seamark").mkdir()
        (tmp_path / ".seamark/run.env").write_text("SM_ENVIRONMENT=development\nSM_DATABASE_POOL_SIZE=7")
        if said_in == ".env":
            (tmp_path / ".env").write_text("SM_ENVIRONMENT=production")
            environ()
        else:
            environ(SM_ENVIRONMENT="production")
        settings = load(Settings)
        assert settings.is_production
        assert settings.database_pool_size != 7

    def test_module_settings_come_from_the_same_places(self, environ: Environ, tmp_path: Path) -> None:
        class PostSettings(ModuleSettings):
            model_config = SettingsConfigDict(env_prefix="SM_POST_")
            token: SecretStr
            size: int = 1

        (tmp_path / "token").write_text("from a file")
        (tmp_path / ".env").write_text("SM_POST_SIZE=3")
        environ(SM_POST_TOKEN_FILE=str(tmp_path / "token"))
        assert load(PostSettings).token.get_secret_value() == "from a file"
        assert load(PostSettings).size == 3

    def test_an_empty_variable_is_an_unset_one(self, environ: Environ) -> None:
        environ(SM_MODULES_ENABLED="", SM_MAX_BODY="", SM_VITE_URL="")
        settings = load(Settings)
        assert (settings.modules_enabled, settings.vite_url) == (None, None)
        assert enabled_modules() is None
        environ(SM_SECRET_KEY="")
        assert "SM_SECRET_KEY is not set" in refusal()


class TestWhatIsRefused:
    def test_everything_wrong_is_listed_at_once(self, environ: Environ, tmp_path: Path) -> None:
        environ(
            SM_SECRET_KEY=None,
            SM_DATABASE_URL="mysql://x",
            SM_MAX_BODY="many",
            SM_LOG_LEVEL="loud",
            SM_REDIS_URL=None,
            SM_REDIS_URL_FILE=str(tmp_path / "missing"),
        )
        said = refusal()
        for complaint in (
            "SM001 SM_SECRET_KEY is not set",
            "SM001 SM_DATABASE_URL is invalid: must start with postgresql+asyncpg:// (Postgres is the only database)",
            "SM001 SM_MAX_BODY is invalid: Input should be a valid integer",
            "SM001 SM_LOG_LEVEL is invalid: Input should be 'debug', 'info', 'warning' or 'error'",
            f"SM001 SM_REDIS_URL_FILE names {tmp_path / 'missing'}, which is not a readable text file",
        ):
            assert complaint in said
        assert "SM_LOG_FORMAT" not in said  # its default looks at the others, which is not the reader's concern

    @pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
    def test_a_named_file_that_cannot_be_read_is_said_so(
        self, environ: Environ, tmp_path: Path, content: bytes | None
    ) -> None:
        path = tmp_path / "secret"
        path.mkdir() if content is None else path.write_bytes(content)
        environ(SM_SECRET_KEY_FILE=str(path))
        assert f"SM_SECRET_KEY_FILE names {path}, which is not a readable text file" in refusal()

    @pytest.mark.parametrize(
        ("url", "complaint"),
        [
            ("sqlite:///x.db", "must start with postgresql+asyncpg://"),
            (f"postgresql://u:{CANARY}@h/db", "must start with postgresql+asyncpg://"),
            (f"postgresql+asyncpg://u:{CANARY}@h", "must name a database"),
            (f"postgresql+asyncpg://u:{CANARY}/x@h/db", "a password are written"),
            (f"postgresql+asyncpg://u:{CANARY}#x@h/db", "a password are written"),
            (f"postgresql+asyncpg://u:p@h:{CANARY}/db", "a password are written"),
        ],
    )
    def test_a_database_address_that_cannot_work(self, environ: Environ, url: str, complaint: str) -> None:
        environ(SM_DATABASE_URL=url)
        said = refusal()
        assert f"SM_DATABASE_URL is invalid: {complaint}" in said or complaint in said
        assert CANARY not in said

    @pytest.mark.parametrize("url", [f"http://:{CANARY}@h", f"redis://:{CANARY}/x@h:1/0", f"redis://h:{CANARY}/0"])
    def test_a_redis_address_that_cannot_work(self, environ: Environ, url: str) -> None:
        environ(SM_REDIS_URL=url)
        said = refusal()
        assert "SM_REDIS_URL is invalid" in said
        assert CANARY not in said

    @pytest.mark.parametrize(
        "origin",
        ["app.example.com", "https://app.example.com/app", "https://u@app.example.com", "ftp://app.example.com",
         "https://", "https://a?b", "https://a#b", "https://a:0x50", "https://a b", "https://a\tb", "https://a:99999"],
    )  # fmt: skip
    @pytest.mark.parametrize("name", ["SM_PUBLIC_URL", "SM_EXTRA_ORIGINS"])
    def test_an_address_that_no_browser_sends_as_origin(self, environ: Environ, name: str, origin: str) -> None:
        environ(**{name: origin})
        assert f"{name} is invalid: must be an origin such as https://app.example.com, without a path" in refusal()


class TestOrigins:
    @pytest.mark.parametrize(
        ("written", "sent"),
        [
            ("https://App.Example.com/", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ],
    )
    def test_an_address_is_kept_as_browsers_send_it(self, environ: Environ, written: str, sent: str) -> None:
        environ(SM_PUBLIC_URL=written)
        assert load(Settings).public_url == sent

    def test_further_origins_are_a_comma_separated_list(self, environ: Environ) -> None:
        environ(SM_PUBLIC_URL="https://a.example", SM_EXTRA_ORIGINS=" https://B.example/ ,, https://c.example:443")
        assert load(Settings).origins == {"https://a.example", "https://b.example", "https://c.example"}


def test_comma_separated_lists_ignore_blanks_and_empty_parts(environ: Environ) -> None:
    environ(SM_MODULES_ENABLED=" users , contacts,, ", SM_SECRET_KEY_FALLBACKS="one, two")
    settings = load(Settings)
    assert settings.modules_enabled == ("users", "contacts")
    assert [key.get_secret_value() for key in settings.secret_key_fallbacks] == ["one", "two"]


def test_the_enabled_modules_are_known_before_the_other_settings_are_right(environ: Environ) -> None:
    environ(SM_SECRET_KEY=None, SM_DATABASE_URL="junk", SM_MODULES_ENABLED="users")
    assert enabled_modules() == ("users",)


def test_settings_cannot_be_changed_afterwards(environ: Environ) -> None:
    environ()
    settings = load(Settings)
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "max_body", 1)  # noqa: B010 - the type checker refuses it as well


def test_no_secret_shows_in_a_repr(environ: Environ) -> None:
    environ(
        SM_SECRET_KEY=CANARY,
        SM_SECRET_KEY_FALLBACKS=CANARY,
        SM_DATABASE_URL=f"postgresql+asyncpg://u:{CANARY}@h/db",
        SM_DATABASE_DIRECT_URL=f"postgresql+asyncpg://u:{CANARY}@h/db",
        SM_REDIS_URL=f"redis://:{CANARY}@h/0",
    )
    settings = load(Settings)
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert CANARY not in text


def test_no_message_repeats_a_value(environ: Environ) -> None:
    environ(**dict.fromkeys((f"SM_{name}".upper() for name in Settings.model_fields if name != "environment"), CANARY))
    said = refusal()
    assert said.count("SM001") > 10
    assert CANARY not in said


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_traceback_of_the_refusal_holds_no_value_either(environ: Environ) -> None:
    environ(SM_DATABASE_URL=f"postgresql+asyncpg://u:{CANARY}@h", SM_MAX_BODY=CANARY)
    with pytest.raises(BootError) as refused:
        load(Settings)
    assert CANARY not in "".join(traceback.format_exception(refused.value))
