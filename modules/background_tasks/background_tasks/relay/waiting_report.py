"""Tells the parent how much waits for its worker: one that takes nothing of it is stale."""

from time import monotonic
from typing import TYPE_CHECKING

from background_tasks.relay.parent import Parent
from background_tasks.relay.protocol import WaitingMessages
from background_tasks.relay.publisher import BrokerUnreachableError, Publisher

if TYPE_CHECKING:
    from asyncpg import Connection, Record

EVERY = 1.0


class WaitingReport:
    def __init__(self, parent: Parent, publisher: Publisher) -> None:
        self._parent = parent
        self._publisher = publisher
        self._told_at = 0.0

    async def look(self, _: "Connection[Record]") -> None:
        identity = self._parent.identity
        if identity is None or monotonic() - self._told_at < EVERY:
            return
        self._told_at = monotonic()
        try:
            count = sum(map(sum, self._publisher.depths(identity.queues).values()))
        except BrokerUnreachableError:
            count = None
        self._parent.tell(WaitingMessages(count))
