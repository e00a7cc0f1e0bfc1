"""What is asked of Redis: that it keeps what it is given, and that it is ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from framework.application import Application
from framework.findings import Finding, Level
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, RedisError, TimeoutError  # noqa: A004 - Redis's own

from background_tasks.codes import SM029, SM030, SM031

FOREIGN_KEYS = ("unacked", "unacked_index", "_kombu.binding.celery", "_kombu.binding.celery.pidbox")
"""What a Celery without a key prefix writes."""
UNKNOWN = "this Redis does not say"


async def broker_findings(application: Application) -> list[Finding]:
    """Nothing while Redis does not answer: SM014 says so, and a worker waits for it."""
    redis: Redis = application.redis
    try:
        info = {**await _ask(redis.info, "memory"), **await _ask(redis.info, "persistence")}
        # Managed servers forbid CONFIG. Only there are the moments at which RDB is saved.
        config = await _ask(redis.config_get, "save")
        foreign = [name for name in FOREIGN_KEYS if await redis.exists(name)]
    except (ConnectionError, TimeoutError):
        return []
    return [
        *memory_findings(info),
        *persistence_findings(info, config, production=application.settings.is_production),
        *sharing_findings(foreign),
    ]


async def _ask(command: Any, argument: str) -> dict[str, Any]:
    """What it answers; nothing where it refuses to."""
    try:
        answer: dict[str, Any] = await command(argument)
    except (ConnectionError, TimeoutError):
        raise
    except RedisError:
        return {}
    return answer


def memory_findings(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy = info.get("maxmemory_policy")
    if policy is None:
        yield SM029.finding(f"{UNKNOWN} what it does when memory is full", hint="ask its provider", level=Level.INFO)
    elif policy != "noeviction":
        yield SM029.finding(
            f"the maxmemory-policy of Redis is {policy}",
            hint="CONFIG SET maxmemory-policy noeviction, and in redis.conf",
        )


def persistence_findings(info: Mapping[str, Any], config: Mapping[str, Any], *, production: bool) -> Iterator[Finding]:
    append_only = info.get("aof_enabled")
    if append_only:
        return
    snapshots = config.get("save")
    if append_only is None or snapshots is None:
        yield SM030.finding(f"{UNKNOWN} whether it keeps anything", hint="ask its provider", level=Level.INFO)
    elif not snapshots:
        yield SM030.finding(
            "Redis writes nothing to disk",
            hint="CONFIG SET appendonly yes, and in redis.conf",
            # The embedded server forgets on purpose: so a laptop shows every day that it may.
            level=None if production else Level.INFO,
        )


def sharing_findings(foreign: list[str]) -> Iterator[Finding]:
    if foreign:
        yield SM031.finding(
            f"this Redis database has {', '.join(foreign)}, of a Celery without a key prefix",
            hint="give Seamark a database of its own: SM_REDIS_URL ends in its number",
        )
