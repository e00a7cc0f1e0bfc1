"""Which calls are repeated, when, and how often."""

from collections.abc import Awaitable, Callable

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, retry_if_result, wait_random_exponential

from framework.outgoing.answer import retry_after
from framework.outgoing.call import Call
from framework.outgoing.errors import TRY_AGAIN, OutgoingError
from framework.outgoing.hosts import Host
from framework.outgoing.metrics import RETRIES

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""RFC 9110 section 9.2.2."""
ATTEMPTS = 3
BASE, CAP = 0.5, 10.0
"""Seconds: the first retry waits up to ``BASE``, each further one up to twice as long, none longer than ``CAP``."""

type Sleep = Callable[[float], Awaitable[None]]

_jitter = wait_random_exponential(multiplier=BASE, max=CAP)
"""Full jitter: anything from nothing to the bound, so that those who failed together do not come back together (Brooker,
"Exponential Backoff and Jitter", AWS Architecture Blog)."""


def may_repeat(call: Call) -> bool:
    """Whether sending it twice does what sending it once does, by its method or by its key."""
    return call.method in IDEMPOTENT or "idempotency-key" in call.own_headers


def retrying(call: Call, host: Host, sleep: Sleep) -> AsyncRetrying:
    """Returns the last response or raises the last error, whatever there was before."""

    async def before_sleep(state: RetryCallState) -> None:
        RETRIES.labels(host.label).inc()
        if (response := _response(state)) is not None:
            await response.aclose()

    return AsyncRetrying(
        retry=retry_if_exception(_is_transient) | retry_if_result(asks_for_patience),
        wait=_pause,
        stop=lambda state: not _goes_on(state, call, host),
        before_sleep=before_sleep,
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        sleep=sleep,
    )


def asks_for_patience(response: httpx.Response) -> bool:
    """429 only where it says when to come back: a retry at any other time makes the matter worse."""
    return response.status_code in TRY_AGAIN and (response.status_code != 429 or retry_after(response) is not None)


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, OutgoingError) and error.transient


def _pause(state: RetryCallState) -> float:
    response = _response(state)
    asked = retry_after(response) if response is not None else None
    # On top of what the service asks for, so that not all of its callers return at the same moment.
    return _jitter(state) + (asked or 0)


def _goes_on(state: RetryCallState, call: Call, host: Host) -> bool:
    return state.attempt_number < ATTEMPTS and call.allows(state.upcoming_sleep) and host.budget.withdraw()


def _response(state: RetryCallState) -> httpx.Response | None:
    outcome = state.outcome
    return None if outcome is None or outcome.failed else outcome.result()
