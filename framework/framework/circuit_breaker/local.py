"""The breakers of one process: what it goes by while Redis does not answer, begun with what Redis last said."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns
from typing import NamedTuple

from framework.circuit_breaker.circuit import Circuit, Outcome, State, Verdict
from framework.circuit_breaker.permit import Permit
from framework.circuit_breaker.rules import Rules
from framework.circuit_breaker.transitions import announce, show

AT_MOST = 1000
"""Circuits that are kept. Names may be hosts that people enter, and they may enter any number."""


def monotonic() -> int:
    """Microseconds. Setting the wall clock moves no breaker."""
    return monotonic_ns() // 1000


@dataclass(frozen=True, slots=True)
class NotClosed:
    """A breaker that lets no call through but a probe. ``wait`` is the seconds until the next one, at most."""

    name: str
    state: State
    wait: float


class Remembered(NamedTuple):
    """Of a breaker that is not closed, in microseconds: until its probe is due, and what it was opened for."""

    wait: int
    pause: int


class _Circuit(Circuit):
    __slots__ = ("heard", "label")

    def __init__(self, rules: Rules, generation: str, label: str) -> None:
        super().__init__(rules, generation)
        self.label = label
        self.heard = False
        """Its state is what Redis said, and not what this process found while Redis did not answer."""


class LocalCircuits:
    def __init__(self, rules: Rules, fresh: Callable[[], str], clock: Callable[[], int]) -> None:
        self._rules, self._fresh, self._clock = rules, fresh, clock
        self._circuits: dict[str, _Circuit] = {}

    def admit(self, name: str, label: str, lease: int) -> Verdict:
        circuit = self._circuit(name, label)
        verdict = circuit.admit(self._clock(), self._fresh(), lease)
        if verdict.state is State.HALF_OPEN:
            circuit.heard = False
            show(circuit.label, State.OPEN, State.HALF_OPEN)
            announce(name, circuit.label, State.HALF_OPEN, shared=False)
        return verdict

    def record(self, permit: Permit, outcome: Outcome) -> None:
        circuit = self._circuit(permit.name, permit.label)
        before, now = circuit.state, self._clock()
        # A generation of the shared breaker means one of this as well while both are closed; of a probe they share it.
        is_counted = permit.is_shared and not permit.is_probe and before is State.CLOSED
        generation = circuit.generation if is_counted else permit.generation
        after = circuit.record(now, generation, outcome, self._fresh())
        if after is not None:
            circuit.heard = False
            show(circuit.label, before, after)
            # A shared probe that is abandoned is one for all processes again.
            is_shared = permit.is_shared and outcome is Outcome.NOTHING
            announce(permit.name, circuit.label, after, (circuit.until - now) / 1e6, shared=is_shared)

    def refusal(self, name: str) -> int | None:
        """Microseconds for which Redis said that no call is let through, not even a probe."""
        circuit = self._circuits.get(name)
        if circuit is None or circuit.state is not State.OPEN or not circuit.heard:
            return None
        wait = circuit.until - self._clock()
        return wait if wait > 0 else None

    def remembered(self, name: str) -> Remembered | None:
        circuit = self._circuits.get(name)
        if circuit is None or circuit.state is State.CLOSED or circuit.is_forgotten(now := self._clock()):
            return None
        return Remembered(max(0, circuit.until - now) if circuit.state is State.OPEN else 0, circuit.pause)

    def hear(self, name: str, label: str, verdict: Verdict, lease: int = 0) -> None:
        """Redis said so. ``lease``: of the probe that this process makes, if it may."""
        if verdict.state is State.CLOSED:
            closed = self._circuits.pop(name, None)
            if closed is not None:
                show(closed.label, closed.state, State.CLOSED)
            return
        circuit, now = self._circuit(name, label), self._clock()
        before = circuit.state
        if verdict.state is State.HALF_OPEN:
            circuit.probe(now, verdict.generation, lease)
        elif verdict.probing:
            # If it is this process that probes, the generation is its call's.
            circuit.probe(now, circuit.generation if before is State.HALF_OPEN else self._fresh(), verdict.wait)
        else:
            circuit.open(now, self._fresh(), verdict.wait, verdict.pause)
        circuit.heard, circuit.pause = True, verdict.pause
        show(circuit.label, before, circuit.state)

    def not_closed(self) -> list[NotClosed]:
        now = self._clock()
        return [
            NotClosed(name, circuit.state, max(0, circuit.until - now) / 1e6)
            for name, circuit in self._circuits.items()
            if circuit.state is not State.CLOSED and not circuit.is_forgotten(now)
        ]

    def _circuit(self, name: str, label: str) -> _Circuit:
        circuit = self._circuits.get(name)
        if circuit is None:
            if len(self._circuits) >= AT_MOST:
                self._make_room()
            circuit = self._circuits[name] = _Circuit(self._rules, self._fresh(), label)
        return circuit

    def _make_room(self) -> None:
        """Those go first that say nothing, then one that is closed, and only where all are open the oldest of them."""
        now = self._clock()
        forgotten = [name for name, circuit in self._circuits.items() if circuit.is_forgotten(now)]
        closed = (name for name, circuit in self._circuits.items() if circuit.state is State.CLOSED)
        for name in forgotten or [next(closed, next(iter(self._circuits)))]:
            circuit = self._circuits.pop(name)
            show(circuit.label, circuit.state, State.CLOSED)
