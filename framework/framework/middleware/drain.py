import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.context import RESPONSE_STARTS
from framework.drain import Drain

LAST: Message = {"type": "http.response.body", "body": b"", "more_body": False}
SERVICE_RESTART = 1012
"""Of the registry of WebSocket close codes: connect again (RFC 6455, section 7.4)."""
LEAVE = 1.0
"""Seconds in which what serves a WebSocket may notice that it is closed, before it is cancelled."""


class Draining:
    """Tells of the drain: ``Connection: close`` on answers, an orderly end for event streams, 1012 for WebSockets."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self.app = app
        self.drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None
        lasting = (_Answer if scope["type"] == "http" else _Socket)(self.drain, task, scope, send)
        self.drain.running.add(task)
        try:
            await self.app(scope, receive, lasting.send)
        except asyncio.CancelledError:
            # One that is not this one's goes on.
            if not lasting.cancelled or task.uncancel() > lasting.cancelling:
                raise
        finally:
            self.drain.running.discard(task)
            self.drain.let_go(lasting.end)
            lasting.left()
        await lasting.last()


class _Lasting:
    """What may be going on when the delay is over."""

    def __init__(self, drain: Drain, task: "asyncio.Task[object]", scope: Scope, send: Send) -> None:
        self.cancelled = False
        self.cancelling = task.cancelling()
        self._drain = drain
        self._task = task
        self._send = send

    def end(self) -> None: ...

    def left(self) -> None: ...

    async def last(self) -> None: ...

    def _cancel(self) -> None:
        self.cancelled = True
        self._task.cancel()


class _Answer(_Lasting):
    """An answer to a request; when it is an event stream it ends as if it were complete, and its browser asks again."""

    def __init__(self, drain: Drain, task: "asyncio.Task[object]", scope: Scope, send: Send) -> None:
        super().__init__(drain, task, scope, send)
        # HTTP/2 knows no such header (RFC 9113, section 8.2.2).
        self._has_connection = scope.get("http_version", "1.1").startswith("1.")
        self._stream = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", ())
            if self._drain.draining and self._has_connection:
                kept = (header for header in headers if header[0] != b"connection")
                message = {**message, "headers": [*kept, (b"connection", b"close")]}
            if any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers):
                self._stream = True
                self._drain.hold(self.end)
        elif self._stream and not message.get("more_body"):
            self._stream = False
            self._drain.let_go(self.end)
        await self._send(message)

    def end(self) -> None:
        # Through the generator, so that it can release what it holds.
        self._cancel()

    async def last(self) -> None:
        if self.cancelled and self._stream:
            await self._send(LAST)


class _Socket(_Lasting):
    """A WebSocket, which is closed; what serves it is told by the server that it is, and cancelled if it does not heed."""

    def __init__(self, drain: Drain, task: "asyncio.Task[object]", scope: Scope, send: Send) -> None:
        super().__init__(drain, task, scope, send)
        self._closing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def send(self, message: Message) -> None:
        if self._closing is not None:
            # To Starlette a connection that is gone.
            raise OSError("This process ends, and has closed the WebSocket")
        if message["type"] == "websocket.close" or message["type"] in RESPONSE_STARTS:
            self._drain.let_go(self.end)
        await self._send(message)
        if message["type"] == "websocket.accept":
            self._drain.hold(self.end)

    def end(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
            self._timer = asyncio.get_running_loop().call_later(LEAVE, self._cancel)

    def left(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def last(self) -> None:
        if self._closing is not None:
            await self._closing

    async def _close(self) -> None:
        await self._send({"type": "websocket.close", "code": SERVICE_RESTART, "reason": "Service restart"})
