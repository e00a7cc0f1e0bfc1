"""The breakers that all processes share, in Redis."""

from framework.circuit_breaker.circuit import Outcome, State, Verdict
from framework.circuit_breaker.local import NotClosed, Remembered
from framework.circuit_breaker.scripts import BREAKER, Scripts
from framework.redis_link import RedisLink


class SharedCircuits:
    """Each method raises as ``RedisLink.run`` does."""

    def __init__(self, link: RedisLink, scripts: Scripts) -> None:
        self._link = link
        self._scripts = scripts

    async def admit(self, name: str, fresh: str, lease: int, remembered: Remembered | None) -> Verdict:
        """``remembered`` is for a Redis that lost what it knew."""
        known = (remembered.wait, remembered.pause) if remembered else ("", "")
        answer = await self._link.run(self._scripts.admit, (BREAKER + name,), (fresh, lease, *known))
        if isinstance(answer, bytes):
            return Verdict(State.CLOSED, answer.decode())
        state, wait, pause = answer
        if state == b"yours":
            return Verdict(State.HALF_OPEN, fresh, 0, pause)
        return Verdict(State.OPEN, "", wait, pause, State(state.decode()) is State.HALF_OPEN)

    async def record(self, name: str, generation: str, outcome: Outcome, fresh: str) -> Verdict | None:
        """What the breaker says from now on, if that changed."""
        answer = await self._link.run(self._scripts.record, (BREAKER + name,), (generation, outcome.value, fresh))
        if answer is None:
            return None
        state, wait, pause = answer
        return Verdict(State(state.decode()), "", wait, pause)

    async def not_closed(self) -> list[NotClosed]:
        listed = await self._link.run(self._scripts.list, (), ())
        return [
            NotClosed(key.decode().removeprefix(BREAKER), State(state.decode()), wait / 1e6)
            for key, state, wait in listed
        ]
