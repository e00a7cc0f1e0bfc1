from random import randint

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.bulkhead import RESERVE, Bulkhead
from framework.context import RESPONSE_STARTS, RequestContext
from framework.health import PROBES
from framework.middleware.security_headers import SecurityHeaders
from framework.problems import MEDIA_TYPE, UnreadBody, document, response
from framework.shed_summary import ShedSummary


def retry_after() -> str:
    """A second or three, so that those who were turned away do not come back all at once."""
    return str(randint(1, 3))  # noqa: S311 - spreads, and keeps no secret


class Overloaded(UnreadBody):
    """503 ``server.overloaded``."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "server.overloaded",
            "The server has too much to do. Try again in a moment.",
            headers={"retry-after": retry_after()},
        )


OVERLOADED = Overloaded()


class LoadShedding:
    """Turns away at once what would make all others wait longer than anyone does (SRE book, chapter 21).

    In flight is a request that the server works on: from its arrival until its answer begins, without the time for which
    its client is waited for. That time counts among the streams, as do streams and WebSockets from beginning to end; so
    slow clients hold no place that work could have. Probes are always answered, and essential routes have a reserve.
    """

    def __init__(self, app: ASGIApp, max_concurrency: int, max_streams: int, secure: bool) -> None:
        self.app = app
        self.in_flight = Bulkhead("requests", max_concurrency, reserve=RESERVE)
        self.streams = Bulkhead("streams", max_streams)
        self._summary = ShedSummary()
        security = SecurityHeaders(_refuse_handshake, secure)
        self._refuse_handshake = security
        self._headers = (*security.of_documents, (b"content-type", MEDIA_TYPE.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["seamark"].template in PROBES:
            await self.app(scope, receive, send)
            return
        context: RequestContext = scope["seamark"]
        module = context.module
        lasting = context.stream or scope["type"] == "websocket"
        bulkhead = self.streams if lasting else self.in_flight
        essential = context.policy is not None and context.policy.essential
        reason = bulkhead.enter(module, essential=essential)
        if reason is not None:
            self._summary.note(bulkhead, module, reason)
            context.status = 503
            await self._refuse(scope, receive, send)
        elif lasting:
            try:
                await self.app(scope, receive, send)
            finally:
                bulkhead.leave(module)
        else:
            turn = Turn(self, module, essential, receive, send)
            try:
                await self.app(scope, turn.receive, turn.send)
            finally:
                turn.end()

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._refuse_handshake(scope, receive, send)
            return
        # By hand, because it is sent when there is least time: a response object takes three times as long.
        body = document(OVERLOADED)
        wait, length = (b"retry-after", retry_after().encode()), (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 503, "headers": [*self._headers, wait, length]})
        await send({"type": "http.response.body", "body": body})

    def again(self, module: str, essential: bool) -> None:
        """A place for a request that had one. Raises ``Overloaded``."""
        reason = self.in_flight.enter(module, essential=essential)
        if reason is not None:
            self._summary.note(self.in_flight, module, reason)
            raise Overloaded


class Turn:
    """A request's place among those in flight, and its ``receive`` and ``send``, which know when another may have it."""

    __slots__ = ("_arriving", "_essential", "_held", "_module", "_over", "_receive", "_send", "_shedding")

    def __init__(self, shedding: LoadShedding, module: str, essential: bool, receive: Receive, send: Send) -> None:
        self._shedding = shedding
        self._module = module
        self._essential = essential
        self._receive = receive
        self._send = send
        self._held: Bulkhead | None = shedding.in_flight
        self._arriving = True
        """More of the body is to come."""
        self._over = False

    async def receive(self) -> Message:
        """Raises ``Overloaded`` when a part of the body has come and there is no place any more."""
        streams = self._shedding.streams
        if not self._arriving or self._over or streams.enter(self._module) is not None:
            return await self._receive()
        self._hold(streams)
        try:
            message = await self._receive()
        finally:
            self._hold(None)
        self._arriving = message.get("more_body", False)
        if not self._over:
            self._shedding.again(self._module, self._essential)
            self._held = self._shedding.in_flight
        return message

    async def send(self, message: Message) -> None:
        if message["type"] in RESPONSE_STARTS:
            # What is left is to hand it over, at the client's pace.
            self.end()
        await self._send(message)

    def end(self) -> None:
        self._over = True
        self._hold(None)

    def _hold(self, place: Bulkhead | None) -> None:
        if self._held is not None:
            self._held.leave(self._module)
        self._held = place


async def _refuse_handshake(scope: Scope, receive: Receive, send: Send) -> None:
    await response(Overloaded())(scope, receive, send)
