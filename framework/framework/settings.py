"""Settings: environment first, then secret files, ``.env`` and ``.seamark/run.env`` (twelve-factor, III)."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from framework.codes import SM001
from framework.findings import BootError, Finding
from framework.setting_types import CommaSeparated, Origin, PostgresUrl, Proxies, RedisUrl, split_commas

DEVELOPMENT = "development"
TEST = "test"
NON_PRODUCTION = frozenset({DEVELOPMENT, TEST, "testing"})
RUN_ENV = Path(".seamark/run.env")
SECRETS_DIR = Path("/run/secrets")


class FileSecrets(PydanticBaseSettingsSource):
    """``SM_X_FILE=/path`` and ``/run/secrets/sm_x`` give the value of ``SM_X`` (Docker and Kubernetes secrets)."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = _variable(self.settings_cls, field_name)
        named = os.environ.get(f"{name}_FILE")
        paths = [Path(named)] if named else [SECRETS_DIR / name.lower(), SECRETS_DIR / name]
        # An unreadable one is reported by ``load``, beside everything else that is wrong.
        return next(filter(None, map(_content, paths)), None), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def _variable(settings_cls: type[BaseSettings], field_name: str) -> str:
    return f"{settings_cls.model_config.get('env_prefix', '')}{field_name}".upper()


def _content(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


class EnvironmentSettings(BaseSettings):
    """The base of every settings class: sources in their order, frozen values."""

    # An empty variable is an unset one: that is what `${SM_X:-}` in a compose file leaves.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources = [init_settings, env_settings, FileSecrets(settings_cls)]
        if os.environ.get("SM_ENVIRONMENT") == TEST:
            # A test is told everything; what lies about in a developer's clone must not change its outcome.
            return tuple(sources)
        sources.append(_dotenv(settings_cls, Path(".env")))
        if _run_env_counts():
            sources.append(_dotenv(settings_cls, RUN_ENV))
        return tuple(sources)


def _dotenv(settings_cls: type[BaseSettings], path: Path) -> DotEnvSettingsSource:
    return DotEnvSettingsSource(settings_cls, env_file=path)


def _run_env_counts() -> bool:
    """``sm dev`` describes its servers there; an environment that says production does not listen to it."""

    class Probe(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="SM_", env_file=".env", extra="ignore", env_ignore_empty=True)
        environment: str = DEVELOPMENT

    return Probe().environment == DEVELOPMENT


def _log_format(values: dict[str, Any]) -> Literal["console", "json"]:
    return "console" if values.get("environment") == DEVELOPMENT else "json"


def _drain_delay(values: dict[str, Any]) -> float:
    return 0 if values.get("environment") in NON_PRODUCTION else 5


class Settings(EnvironmentSettings):
    """What the host and the framework read. A module's own settings are a ``ModuleSettings`` in its ``settings.py``."""

    model_config = SettingsConfigDict(env_prefix="SM_")

    environment: str = Field(
        "production", description="`development`, `test` and `testing` are what they say; anything else is production."
    )
    modules_enabled: CommaSeparated | None = Field(
        None, description="Comma-separated modules to load, closed over what they require. Unset: all installed."
    )
    secret_key: SecretStr = Field(
        description="Signs cookies and links: 32 random bytes or more. `python -c 'import secrets; print(secrets.token_urlsafe(48))'`"
    )
    secret_key_fallbacks: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split_commas)] = Field(
        (), description="Comma-separated earlier (or coming) keys that still verify, so rotating logs nobody out."
    )
    public_url: Origin = Field(
        "http://localhost:8000", description="The origin people use: decides cookies, the CSRF check and links in mail."
    )
    extra_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(split_commas)] = Field(
        (), description="Comma-separated further origins from which the application is served."
    )
    database_url: PostgresUrl = Field(description="`postgresql+asyncpg://user:password@host/database`")
    database_direct_url: PostgresUrl | None = Field(
        None, description="Past PgBouncer, for migrations and LISTEN. Unset: `SM_DATABASE_URL`."
    )
    database_pgbouncer: bool = Field(False, description="`SM_DATABASE_URL` is PgBouncer in transaction mode.")
    database_pool_size: int = Field(10, ge=1, description="Connections that a web process has at most, and keeps.")
    web_processes: int = Field(
        1,
        ge=1,
        description="Web processes that run at a time, on all machines together; for `SM033`, which counts connections. A deployment "
        "that starts new ones before it stops old ones has more for a while.",
    )
    database_pool_timeout: float = Field(5, gt=0, description="Seconds to wait for a connection before 503.")
    database_statement_timeout: float = Field(
        25, gt=0, description="Seconds a statement may run; half of them it may wait for a lock."
    )
    database_idle_timeout: float | None = Field(
        None,
        gt=0,
        description="Seconds for which a transaction may do nothing before Postgres ends it. Unset: 20 more than "
        "`SM_REQUEST_DEADLINE`.",
    )
    database_slow_statement: float = Field(1, gt=0, description="Seconds from which a statement is logged as slow.")
    redis_url: RedisUrl = Field(description="`redis://host:6379/0`: broker, limits and speed, never truth.")
    log_format: Literal["console", "json"] = Field(
        default_factory=_log_format,
        description="`console` for people (the default in development), `json` for collectors.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="`debug`, `info`, `warning` or `error`: what is logged at least."
    )
    traces_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Where OpenTelemetry's spans go by OTLP over HTTP: `http://collector:4318/v1/traces`. Unset: none are recorded.",
    )
    request_deadline: float = Field(
        30,
        gt=0,
        description="Seconds a request may take where its route says nothing; then 504, and its work is ended.",
    )
    proxy_read_timeout: float = Field(
        40,
        gt=0,
        description="Seconds for which the proxy in front waits for an answer (nginx: `proxy_read_timeout`), so that SM045 can tell "
        "when a route may take longer.",
    )
    web_workers: int = Field(
        1,
        ge=1,
        description="Processes that one `sm web` or gunicorn runs. One for each processor; in containers one, and more containers.",
    )
    web_backlog: int = Field(2048, ge=1, description="Connections that the kernel holds while all processes are busy.")
    web_keep_alive: float = Field(
        5,
        gt=0,
        description="Seconds for which a web process keeps an idle connection: longer than the proxy in front does.",
    )
    trusted_proxies: Proxies = Field(
        ("127.0.0.1", "::1"),
        description="Comma-separated addresses and networks of the proxies in front, whose `X-Forwarded-For` and `-Proto` are believed.",
    )
    drain_delay: float = Field(
        default_factory=_drain_delay,
        ge=0,
        description="Seconds for which a process that was told to end serves on, so that whoever sends it requests learns of it: 5 in "
        "production, else 0. Longer than the proxy keeps an idle connection.",
    )
    drain_timeout: float = Field(
        45, gt=0, description="Seconds after that in which what runs may end; then it is cancelled."
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of Prometheus' metrics of all processes on this machine. Unset: none. Keep it private.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address at which `SM_METRICS_PORT` is bound.")
    revision: str = Field("", description="The commit that this was built of, for metrics (`seamark_build_info`).")
    max_body: int = Field(1_048_576, gt=0, description="Bytes a request body may have where its route says nothing.")
    max_concurrency: int = Field(
        64,
        ge=1,
        description="Requests that a web process works on at once; one module has at most 60 % of it. Above: 503.",
    )
    max_streams: int = Field(
        1000,
        ge=1,
        description="Streams, WebSockets and arriving bodies that a web process has open at once. Above: 503.",
    )
    other_builds: Path | None = Field(
        None,
        description="Folder that `sm assets copy` fills, for files of builds other than this process's own: while a rollout runs, and "
        "for pages that are still open. Unset where the proxy serves that folder.",
    )
    session_idle_hours: float = Field(24 * 14, gt=0, description="Hours without a request after which a sign-in ends.")
    session_absolute_hours: float = Field(24 * 90, gt=0, description="Hours after which a sign-in ends in any case.")
    idempotency_hours: float = Field(
        24,
        gt=0,
        description="Hours for which a request with an `Idempotency-Key` may be repeated without taking effect again.",
    )
    rate_limits: str = Field(
        "",
        description="`name=limit/seconds; name=off`: other limits than the modules declare, such as "
        "`seamark.address=600/60; users.sign_in=off`.",
    )
    health_history_days: float = Field(
        90, gt=0, description="Days for which changes of health are kept; the last of each check stays."
    )
    error_reporter: str | None = Field(
        None,
        description="`package.module:function` that is handed each unhandled error, for an error tracker. Unset: errors are logged only.",
    )
    outgoing_allowed: CommaSeparated = Field(
        (),
        description="Comma-separated hosts, addresses and networks, each with or without a port, that calls to other services "
        "may go to beside the public internet's ports 80 and 443: `api.internal:8080, 10.1.0.0/16, [fd00:1::5]:443`.",
    )
    outgoing_ca_file: Path | None = Field(
        None,
        description="PEM file of certificate authorities that other services' certificates may be of, beside the public ones.",
    )
    outgoing_connect_timeout: float = Field(2, gt=0, description="Seconds to connect to another service, TLS included.")
    outgoing_read_timeout: float = Field(10, gt=0, description="Seconds another service may say nothing.")
    outgoing_write_timeout: float = Field(5, gt=0, description="Seconds another service may take nothing of a request.")
    outgoing_pool_timeout: float = Field(
        2, gt=0, description="Seconds a call waits while `SM_OUTGOING_CONCURRENCY` others to its host are under way."
    )
    outgoing_concurrency: int = Field(20, ge=1, description="Calls that a process makes to one host at a time.")
    outgoing_max_response: int = Field(
        10_485_760, gt=0, description="Bytes that another service's answer may have, unpacked. Streams have no bound."
    )
    silenced_checks: str = Field("", description="`CODE=reason; CODE=reason`: findings that are known and accepted.")
    vite_url: str | None = Field(None, description="Set by `sm dev`: pages load the browser code from Vite.")

    @property
    def is_production(self) -> bool:
        return self.environment not in NON_PRODUCTION

    @property
    def is_secure(self) -> bool:
        """Whether people reach the application by TLS: decides `Secure` and the cookie's name."""
        return self.public_url.startswith("https://")

    @property
    def origins(self) -> frozenset[str]:
        return frozenset({self.public_url, *self.extra_origins})

    @property
    def direct_database_url(self) -> str:
        return (self.database_direct_url or self.database_url).get_secret_value()


class ModuleSettings(EnvironmentSettings):
    """A module's settings. Declare ``model_config = SettingsConfigDict(env_prefix="SM_<MODULE>_")``."""


def load[T: EnvironmentSettings](settings_cls: type[T]) -> T:
    """Read and validate; raises ``BootError`` with one ``SM001`` per bad or missing setting, without its value."""
    findings = list(_unreadable_files(settings_cls))
    try:
        settings = settings_cls()
    except ValidationError as error:
        findings += findings_of(settings_cls, error)
    if findings:
        raise BootError(findings) from None
    return settings


def _unreadable_files(settings_cls: type[EnvironmentSettings]) -> Iterator[Finding]:
    for field in settings_cls.model_fields:
        name = f"{_variable(settings_cls, field)}_FILE"
        path = os.environ.get(name)
        if path and _content(Path(path)) is None:
            yield SM001.finding(f"{name} names {path}, which is not a readable text file", hint="check path and mode")


def findings_of(settings_cls: type[EnvironmentSettings], error: ValidationError) -> list[Finding]:
    findings = []
    for problem in error.errors(include_input=False, include_url=False):
        if problem["type"] == "default_factory_not_called":
            # A default that looks at the others, of which one is wrong: that one is listed.
            continue
        field = str(problem["loc"][0]) if problem["loc"] else ""
        info = settings_cls.model_fields.get(field)
        missing = problem["type"] == "missing"
        said = "is not set" if missing else f"is invalid: {problem['msg'].removeprefix('Value error, ')}"
        findings.append(
            SM001.finding(f"{_variable(settings_cls, field)} {said}", hint=_hint(field, info) if missing else "")
        )
    return findings


def _hint(field: str, info: FieldInfo | None) -> str:
    described = (info.description or "") if info else ""
    if field in ("database_url", "redis_url", "secret_key"):
        return f"{described} (on a laptop: `make dev` sets it while it runs)"
    return described


@cache
def read_once[T: ModuleSettings](settings_cls: type[T]) -> T:
    return load(settings_cls)


_instead: ContextVar[Callable[[type[Any]], Any] | None] = ContextVar("settings_instead", default=None)


def settings_of[T: ModuleSettings](settings_cls: type[T]) -> T:
    """A module's settings, read once a process (the boot reads them all first, so a route never fails on them)."""
    instead = _instead.get()
    settings: T = read_once(settings_cls) if instead is None else instead(settings_cls)
    return settings


@contextmanager
def settings_instead(read: Callable[[type[Any]], Any]) -> Iterator[None]:
    """Within it modules have these settings, such as those of processes elsewhere."""
    token = _instead.set(read)
    try:
        yield
    finally:
        _instead.reset(token)


def enabled_modules() -> tuple[str, ...] | None:
    """``SM_MODULES_ENABLED`` alone, for commands that must work before the other settings are complete."""

    class Enabled(EnvironmentSettings):
        model_config = SettingsConfigDict(env_prefix="SM_")
        modules_enabled: CommaSeparated | None = None

    return load(Enabled).modules_enabled


def silenced_checks() -> str:
    """``SM_SILENCED_CHECKS`` alone, for the same commands."""

    class Silenced(EnvironmentSettings):
        model_config = SettingsConfigDict(env_prefix="SM_")
        silenced_checks: str = ""

    return load(Silenced).silenced_checks
