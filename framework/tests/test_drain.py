"""What a process does between the word to end and its end, without a server."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from framework.drain import AGAIN, Drain
from framework.middleware.drain import Draining
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

EVENTS = "text/event-stream; charset=utf-8"


@pytest.fixture
def drain() -> Drain:
    return Drain(delay=60, timeout=60)


@pytest.fixture
def ended() -> list[str]:
    """What the server was told."""
    return []


def scope_of(kind: str, version: str = "1.1") -> Scope:
    return {"type": kind, "http_version": version, "method": "GET", "path": "/", "headers": [], "query_string": b""}


class Client:
    """One that asks an application behind the layer, reads all it gets into ``messages``, and never leaves by itself."""

    def __init__(self, app: ASGIApp, drain: Drain, scope: Scope) -> None:
        self.messages: list[Message] = []
        self.got = asyncio.Event()
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect" if scope["type"] == "websocket" else "http.request"})
        self.task = asyncio.ensure_future(Draining(app, drain)(scope, self._incoming.get, self._send))

    async def _send(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "websocket.close":
            # As servers do (ASGI, websocket.disconnect).
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
        self.got.set()

    async def headers(self) -> dict[bytes, bytes]:
        await self.task
        return dict(self.messages[0]["headers"])


def streaming(media_type: str, log: list[str], *, ends: asyncio.Event | None = None) -> ASGIApp:
    async def chunks() -> AsyncIterator[str]:
        try:
            yield "data: first\n\n"
            await (ends or asyncio.Event()).wait()
            yield "data: last\n\n"
        finally:
            log.append("closed")

    return StreamingResponse(chunks(), media_type=media_type)


async def answer_at_once(scope: Scope, receive: object, send: object) -> None:
    await PlainTextResponse("ok")(scope, receive, send)  # type: ignore[arg-type]


async def test_the_server_is_told_after_the_delay_and_once(ended: list[str]) -> None:
    drain = Drain(delay=0.02, timeout=60)
    drain.begin(lambda: ended.append("ended"))
    assert drain.draining
    assert not ended
    await asyncio.sleep(0.1)
    assert ended == ["ended"]


async def test_without_a_delay_it_is_told_at_once(ended: list[str]) -> None:
    Drain(delay=0, timeout=60).begin(lambda: ended.append("ended"))
    assert ended


async def test_only_a_later_sigterm_is_a_second_one(
    drain: Drain, ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    drain.begin(lambda: ended.append("ended"))
    drain.begin(lambda: ended.append("ended"))
    assert not ended
    later = loop.time() + AGAIN
    monkeypatch.setattr(loop, "time", lambda: later)
    drain.begin(lambda: ended.append("ended"))
    assert ended == ["ended"]


@pytest.mark.parametrize(("version", "said"), [("1.1", b"close"), ("1.0", b"close"), ("2", None)])
async def test_every_answer_says_that_its_connection_ends(drain: Drain, version: str, said: bytes | None) -> None:
    before = await Client(answer_at_once, drain, scope_of("http", version)).headers()
    drain.begin(lambda: None)
    meanwhile = await Client(answer_at_once, drain, scope_of("http", version)).headers()
    assert b"connection" not in before
    assert meanwhile.get(b"connection") == said


async def test_event_streams_are_complete_and_their_generators_closed(drain: Drain) -> None:
    closed: list[str] = []
    client = Client(streaming(EVENTS, closed), drain, scope_of("http"))
    await client.got.wait()
    drain.finish(lambda: None)
    await asyncio.wait_for(client.task, 5)
    assert closed
    assert client.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_downloads_are_finished(drain: Drain) -> None:
    ends = asyncio.Event()
    client = Client(streaming("text/csv", [], ends=ends), drain, scope_of("http"))
    await client.got.wait()
    drain.finish(lambda: None)
    await asyncio.sleep(0)
    ends.set()
    await asyncio.wait_for(client.task, 5)
    assert b"".join(message.get("body", b"") for message in client.messages).endswith(b"data: last\n\n")


async def test_a_stream_that_begins_too_late_ends_at_once(drain: Drain) -> None:
    drain.finish(lambda: None)
    client = Client(streaming(EVENTS, []), drain, scope_of("http"))
    await asyncio.wait_for(client.task, 5)
    assert client.messages[-1]["more_body"] is False


async def test_web_sockets_are_closed_and_their_routes_hear_of_it(drain: Drain) -> None:
    heard: list[int] = []

    async def route(scope: Scope, receive: object, send: object) -> None:
        socket = WebSocket(scope, receive, send)  # type: ignore[arg-type]
        await socket.accept()
        try:
            await socket.receive_text()
        except WebSocketDisconnect as gone:
            heard.append(gone.code)

    client = Client(route, drain, scope_of("websocket"))
    await client.got.wait()
    drain.finish(lambda: None)
    await asyncio.wait_for(client.task, 5)
    assert client.messages[-1]["code"] == 1012
    assert heard == [1012]


async def test_a_web_socket_that_does_not_listen_is_cancelled(drain: Drain) -> None:
    async def route(scope: Scope, receive: object, send: object) -> None:
        await WebSocket(scope, receive, send).accept()  # type: ignore[arg-type]
        await asyncio.Event().wait()

    client = Client(route, drain, scope_of("websocket"))
    await client.got.wait()
    drain.finish(lambda: None)
    await asyncio.wait_for(client.task, 5)
    assert client.messages[-1]["code"] == 1012


async def test_what_runs_when_the_time_is_up_is_cancelled() -> None:
    drain = Drain(delay=0, timeout=0.02)

    async def route(scope: Scope, receive: object, send: object) -> None:
        await asyncio.Event().wait()

    client = Client(route, drain, scope_of("http"))
    await asyncio.sleep(0)
    drain.begin(lambda: None)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(client.task, 5)


async def test_a_cancellation_by_others_goes_on(drain: Drain) -> None:
    client = Client(streaming(EVENTS, []), drain, scope_of("http"))
    await client.got.wait()
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task


async def test_the_servers_handler_is_called_and_put_back(drain: Drain, ended: list[str]) -> None:
    def theirs(number: int, frame: object) -> None:
        ended.append(signal.Signals(number).name)

    before = {number: signal.signal(number, theirs) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with drain.on_signals():
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert drain.draining
            assert not ended
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0.05)
            assert ended == ["SIGINT"]
        assert signal.getsignal(signal.SIGTERM) is theirs
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def test_without_a_server_signals_are_left_alone(drain: Drain) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
    try:
        of_the_loop = signal.getsignal(signal.SIGTERM)
        with drain.on_signals():
            assert signal.getsignal(signal.SIGTERM) == of_the_loop
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    with drain.on_signals():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
