"""What a setting may be: lists, addresses, origins; read once and refused with a reason that does not repeat the value."""

import re
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]").fullmatch


def split_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _postgres_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.startswith("postgresql+asyncpg://"):
        raise ValueError("must start with postgresql+asyncpg:// (Postgres is the only database)")
    _refuse_unreadable(text)
    try:
        database = make_url(text).database
    except (ArgumentError, ValueError):
        database = None
    if not database:
        raise ValueError("must name a database: postgresql+asyncpg://user:password@host:5432/database")
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must start with redis:// or rediss://")
    _refuse_unreadable(text)
    return value


def _refuse_unreadable(url: str) -> None:
    """What the drivers make of such an address repeats parts of it, and a part may be the password."""
    try:
        urlsplit(url).port  # noqa: B018 - reading it is the test
    except ValueError:
        raise ValueError("cannot be read: / ? # @ and % in a password are written %2F %3F %23 %40 %25") from None


def _origin(value: str) -> str:
    """As browsers send it (RFC 6454): lower case, without a port that goes without saying."""
    value = value.strip().rstrip("/").lower()
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.netloc.removesuffix(f":{port}")
    if parts.scheme not in ("http", "https") or not HOST(host) or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("must be an origin such as https://app.example.com, without a path")
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != PORTS[parts.scheme] else "")


def _proxies(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value == "*":
            raise ValueError("must not be *: anyone could claim any address (name the proxies)")
        try:
            ip_network(value, strict=False)
        except ValueError:
            raise ValueError("must list addresses and networks, such as 10.0.0.0/8") from None
    return values


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_commas)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
Origin = Annotated[str, AfterValidator(_origin)]
Proxies = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_commas), AfterValidator(_proxies)]
