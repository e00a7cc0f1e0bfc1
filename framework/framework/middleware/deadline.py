"""Ends a request that takes too long: in the same task, so nothing of it goes on behind the answer."""

import asyncio
from math import inf

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework import deadline
from framework.context import RequestContext
from framework.deadline import COMMIT_GRACE, DeadlineExceededError
from framework.middleware.errors import outcome_unknown
from framework.problems import Problem

SLOWEST = 16 * 1024
"""Bytes a second. A body that arrives at this rate is waited for, however large it is; one that trickles is not."""


EXCEEDED = Counter("seamark_deadlines_exceeded", "Requests that were ended because they took too long.", ["module"])


class Deadline:
    """Cancels what lies below when the route's deadline has passed, and answers 504; not for streams and WebSockets.

    The time begins when the body has arrived, as long as that is not slower than ``SLOWEST``. It ends when the response
    begins. And once a COMMIT is sent, that has ``COMMIT_GRACE`` or what is left, whichever is more; when even this is too
    short nobody knows whether it took effect, so the answer is 503.
    """

    def __init__(self, app: ASGIApp, default: float) -> None:
        self.app = app
        self.default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["seamark"].stream:
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        policy = context.policy
        seconds = self.default if policy is None or policy.deadline is None else policy.deadline
        work = _Work(context, seconds, receive, send)
        token = deadline.current.set(work.deadline)
        try:
            await self.app(scope, work.receive, work.send)
        except BaseException as error:
            # A cancellation that is not this one's goes on: the server ends.
            if not work.ended() or context.status or not isinstance(error, Exception | asyncio.CancelledError):
                raise
            raise work.problem() from error
        finally:
            work.leave()
            deadline.current.reset(token)
        if work.expired and work.ended() and not context.status:
            raise work.problem()


class _Work:
    """One request below its deadline. It is ``asyncio.timeout`` by hand, which costs twice as much as this."""

    __slots__ = (
        "_all_read",
        "_asked",
        "_cancelling",
        "_context",
        "_loop",
        "_receive",
        "_seconds",
        "_send",
        "_task",
        "_timer",
        "_until",
        "deadline",
        "expired",
    )

    def __init__(self, context: RequestContext, seconds: float, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._loop = task.get_loop()
        self._context = context
        self._seconds = seconds
        self._receive = receive
        self._send = send
        self._asked = self._all_read = self.expired = False
        self._until = self._loop.time() + seconds
        self.deadline = deadline.Deadline(self._until, self.before_commit)
        self._timer = self._loop.call_at(self._until, self._expire)

    def _expire(self) -> None:
        if self._until > self._loop.time():
            # It was put off meanwhile.
            self._timer = self._loop.call_at(self._until, self._expire)
            return
        self.expired = True
        self._task.cancel()

    def ended(self) -> bool:
        """Whether the deadline ended it, and nobody else."""
        return self.expired and self._task.uncancel() <= self._cancelling

    async def receive(self) -> Message:
        self._asked = True
        message = await self._receive()
        self._all_read = not message.get("more_body")
        if not self._all_read:
            earned = self._until + len(message.get("body", b"")) / SLOWEST
            self._until = self.deadline.at = min(earned, self._loop.time() + self._seconds)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.expired:
                raise DeadlineExceededError("It caught its cancellation and went on to answer")
            # From here on the client decides how long it takes, and what runs after the response takes its own time.
            self.leave()
        await self._send(message)

    def leave(self) -> None:
        """What the request has started besides may go on, unless the deadline ended it."""
        self._timer.cancel()
        if not self.expired:
            self.deadline.at = inf
            self.deadline.before_commit = None

    def before_commit(self) -> None:
        if self.expired:
            raise DeadlineExceededError("It caught its cancellation and went on to commit")
        self._context.commit_sent = True
        self._until = max(self._until, self._loop.time() + COMMIT_GRACE)

    def problem(self) -> Problem:
        EXCEEDED.labels(self._context.module).inc()
        if self._context.commit_sent:
            return outcome_unknown()
        if self._asked and not self._all_read:
            late = "The body of the request arrives too slowly."
            return Problem(408, "request.body_too_slow", late, headers={"connection": "close"})
        return Problem(
            504, "request.deadline_exceeded", f"This took longer than {self._seconds:g} seconds, and was ended."
        )
