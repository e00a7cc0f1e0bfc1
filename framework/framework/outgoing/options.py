"""What a module may say of a call, beside its method and URL."""

from collections.abc import Mapping
from typing import Any, TypedDict


class Options(TypedDict, total=False):
    params: Mapping[str, str | int | float | bool | None]
    json: Any  # whatever json.dumps takes
    content: str | bytes
    headers: Mapping[str, str]
    """Not sent on to another origin by a redirect."""
    timeout: float | None
    """Seconds for all of it, waits and retries included: never longer than what is left of the deadline of the request or
    task that makes the call, and 30 where nothing is said."""
    idempotency_key: str | None
    """Sent as ``Idempotency-Key``, the same with every attempt. It says that the service does nothing twice for it, so that
    any method may be retried."""
    follow_redirects: bool
    """Up to five; off unless asked for. Each hop is checked like the first."""


def headers_of(options: Options) -> dict[str, str]:
    key = options.get("idempotency_key")
    return {**options.get("headers", {}), **({} if key is None else {"Idempotency-Key": key})}
