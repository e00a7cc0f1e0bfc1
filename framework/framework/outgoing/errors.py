"""How a call to another service can fail. Each is a ``Problem``: a route that does not catch it answers with its status."""

from math import ceil
from typing import ClassVar

from framework.problems import Problem

type Answer = tuple[int, str, str]
"""Status, code and detail of the problem document."""


class Degraded(Problem):
    """A declared degraded answer: this feature does not work for now, the rest does. 503 with ``code``
    (``<module>.<what>``), never a 200 that holds less than it says. ``retry_after`` is in seconds."""

    def __init__(self, code: str, detail: str, *, retry_after: float = 5) -> None:
        super().__init__(503, code, detail, headers=_retry_after(retry_after))


class OutgoingError(Problem):
    """A call that brought no answer. ``host`` and ``reason`` go to logs and to a task's history, not to the client.

    ``transient``: the same call may succeed in a moment.
    """

    answer: ClassVar[Answer] = (
        502,
        "outgoing.unavailable",
        "A service that this needs does not answer as it should. Try again in a moment.",
    )
    transient: bool = False

    def __init__(
        self,
        host: str,
        reason: str,
        *,
        retry_after: float | None = 2,
        transient: bool | None = None,
        answer: Answer | None = None,
    ) -> None:
        status, code, detail = answer or self.answer
        super().__init__(status, code, detail, headers=None if retry_after is None else _retry_after(retry_after))
        self.host, self.reason = host, reason
        if transient is not None:
            self.transient = transient

    def __str__(self) -> str:
        return f"{self.code}: {self.host}: {self.reason}"


class OutgoingTimeout(OutgoingError):
    """It did not connect, answer or take what was sent in time; or the deadline left no time for it."""

    answer = (504, "outgoing.timeout", "A service that this needs did not answer in time. Try again in a moment.")
    transient = True


class Refused(OutgoingError):
    """No connection: the name is unknown, nobody listens there, or TLS could not be agreed on. Nothing was sent."""

    answer = (502, "outgoing.refused", "A service that this needs cannot be reached. Try again in a moment.")
    transient = True


class Unavailable(OutgoingError):
    """The connection broke off, or what came was not HTTP. Whether the service acted on the request is unknown."""

    transient = True


class BadResponse(OutgoingError):
    """An answer of no use: too large, in a wrong encoding, redirected in a circle."""

    answer = (502, "outgoing.bad_response", "A service that this needs gave an answer that is of no use.")


class BadStatus(OutgoingError):
    """By ``raise_for_status``: the service answered ``status``. A client learns only whether to try again."""

    def __init__(self, host: str, status: int, retry_after: float | None) -> None:
        _, code, detail = OutgoingError.answer
        if status in TRY_AGAIN:
            answer = (503, code, detail)
            retry_after = 2 if retry_after is None else retry_after
        else:
            answer = BadResponse.answer
        super().__init__(host, f"it answered {status}", retry_after=retry_after, answer=answer)
        self.upstream_status = status


class CircuitOpen(OutgoingError):
    """Most of the latest calls to the host failed, so it is left alone for ``retry_after`` seconds."""

    answer = (
        503,
        "outgoing.circuit_open",
        "A service that this needs does not answer at present. Try again in a moment.",
    )

    def __init__(self, host: str, retry_after: float) -> None:
        super().__init__(host, "its circuit breaker is open", retry_after=retry_after)
        self.retry_after = retry_after


class Busy(OutgoingError):
    """As many calls to the host are under way as there may be, and none ended while this one waited."""

    answer = (503, "outgoing.busy", "A service that this needs is slow at present. Try again in a moment.")


class ForbiddenAddress(OutgoingError):
    """The URL leads where this installation may not call (``SM_OUTGOING_ALLOWED``). Nothing was sent."""

    answer = (502, "outgoing.forbidden_address", "That address may not be called from here.")

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason, retry_after=None)


TRY_AGAIN = frozenset({429, 502, 503, 504})
"""What a service answers that may well serve the same request later (RFC 6585 section 4, RFC 9110 section 15.6)."""


def _retry_after(seconds: float) -> dict[str, str]:
    return {"retry-after": str(max(1, ceil(seconds)))}
