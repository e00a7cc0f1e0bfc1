"""Ends a request that takes too long: in the same task, so nothing of it goes on behind the answer."""

import asyncio
from math import inf

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework import deadline
from framework.context import RESPONSE_STARTS, RequestContext
from framework.deadline import DeadlineExceededError
from framework.middleware.errors import outcome_unknown
from framework.problems import Problem

COMMIT_GRACE = 5.0
"""Seconds that a COMMIT has at least, once it was sent."""


class Deadline:
    """Cancels what lies below when the route's deadline has passed, and answers 504; not for streams and WebSockets.

    Only until the response begins. And only until a COMMIT is sent: that has ``COMMIT_GRACE`` or what is left, whichever
    is more, and when even this is too short nobody knows whether it took effect, so the answer is 503.
    """

    def __init__(self, app: ASGIApp, default: float) -> None:
        self.app = app
        self.default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        if context.stream:
            await self.app(scope, receive, send)
            return
        policy = context.policy
        seconds = self.default if policy is None or policy.deadline is None else policy.deadline
        until = asyncio.get_running_loop().time() + seconds
        limit = asyncio.timeout_at(until)
        work = _Work(context, limit, until, receive, send)
        token = deadline.current.set(work.deadline)
        try:
            async with limit:
                await self.app(scope, work.receive, work.send)
        except Exception as error:
            if context.status or not limit.expired():
                raise
            raise work.problem(seconds) from error
        finally:
            deadline.current.reset(token)
        if limit.expired() and not context.status:
            raise work.problem(seconds)


class _Work:
    """One request below its deadline."""

    __slots__ = ("_all_read", "_asked", "_context", "_limit", "_receive", "_send", "deadline")

    def __init__(
        self, context: RequestContext, limit: asyncio.Timeout, until: float, receive: Receive, send: Send
    ) -> None:
        self.deadline = deadline.Deadline(until, self.before_commit)
        self._context = context
        self._limit = limit
        self._receive = receive
        self._send = send
        self._asked = self._all_read = False

    async def receive(self) -> Message:
        self._asked = True
        message = await self._receive()
        self._all_read = not message.get("more_body")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] in RESPONSE_STARTS:
            if self._limit.expired():
                raise DeadlineExceededError("It caught its cancellation and went on to answer")
            # From here on the client decides how long it takes, and what runs after the response takes its own time.
            self._limit.reschedule(None)
            self.deadline.at = inf
            self.deadline.before_commit = None
        await self._send(message)

    def before_commit(self) -> None:
        limit = self._limit
        if limit.expired():
            raise DeadlineExceededError("It caught its cancellation and went on to commit")
        self._context.commit_sent = True
        until = limit.when()
        if until is not None:
            limit.reschedule(max(until, asyncio.get_running_loop().time() + COMMIT_GRACE))

    def problem(self, seconds: float) -> Problem:
        if self._context.commit_sent:
            return outcome_unknown()
        if self._asked and not self._all_read:
            late = f"The body has not arrived within {seconds:g} seconds."
            return Problem(408, "request.body_too_slow", late, headers={"connection": "close"})
        return Problem(504, "request.deadline_exceeded", f"This took longer than {seconds:g} seconds, and was ended.")
