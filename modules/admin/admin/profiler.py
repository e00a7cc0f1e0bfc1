"""What this process does, seen a hundred times a second from a thread of its own.

Wall-clock samples of all threads, and of what asyncio's tasks await. Not pyinstrument: it follows one task or one thread,
and here the question is what the whole process does while it serves everybody.
"""

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

HERTZ = 100
TASKS_EVERY = 0.5
"""Seconds; the tasks can only be looked at by the event loop itself, which meanwhile does nothing else."""
MOST_TASKS = 200
MOST_STACKS = 10_000
"""Different ones for each thread; those that come later are counted as one."""
DEEPEST = 200

type Stack = tuple[int | str, ...]
"""From the outermost call to the innermost: keys of ``Profile.codes``, which are quicker told apart than code, or words."""
OTHERS: Stack = ("(other stacks)",)


@dataclass(slots=True)
class Profile:
    seconds: float = 0
    rounds: int = 0
    threads: dict[str, Counter[Stack]] = field(default_factory=dict)
    tasks: Counter[Stack] = field(default_factory=Counter)
    codes: dict[int, CodeType] = field(default_factory=dict)

    def key(self, code: CodeType) -> int:
        self.codes.setdefault(id(code), code)
        return id(code)


class Busy(Exception):
    """This process is being profiled already."""


_one_at_a_time = threading.Lock()


async def profile(seconds: float) -> Profile:
    """Raises ``Busy``. Ends with its caller: who goes away has the sampling stop."""
    if not _one_at_a_time.acquire(blocking=False):
        raise Busy
    found, stop = Profile(), threading.Event()
    # Not asyncio's own threads, of which there are few: something else would wait for this one.
    executor = ThreadPoolExecutor(1, "profiler")
    try:
        sampling = asyncio.get_running_loop().run_in_executor(executor, _sample, found, seconds, stop)
        while not sampling.done():
            _look_at_tasks(found)
            await asyncio.wait({sampling}, timeout=TASKS_EVERY)
        await sampling
    finally:
        stop.set()
        executor.shutdown(wait=False)
        _one_at_a_time.release()
    return found


def _sample(found: Profile, seconds: float, stop: threading.Event) -> None:
    own, began = threading.get_ident(), perf_counter()
    while perf_counter() - began < seconds:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            if ident != own:
                name = names.get(ident) or f"thread {ident}"
                _count(found.threads.setdefault(name, Counter()), _stack(found, frame))
        found.rounds += 1
        # By the clock: a round that had to wait for the interpreter is not made up for.
        if stop.wait(1 / HERTZ - (perf_counter() - began) % (1 / HERTZ)):
            break
    found.seconds = perf_counter() - began


def _count(counter: Counter[Stack], stack: Stack) -> None:
    counter[stack if stack in counter or len(counter) < MOST_STACKS else OTHERS] += 1


def _stack(found: Profile, frame: FrameType | None) -> Stack:
    keys: list[int] = []
    while frame is not None and len(keys) < DEEPEST:
        keys.append(found.key(frame.f_code))
        frame = frame.f_back
    return tuple(reversed(keys))


def _look_at_tasks(found: Profile) -> None:
    own = asyncio.current_task()
    for number, task in enumerate(asyncio.all_tasks()):
        if number == MOST_TASKS:
            break
        if task is not own:
            _count(found.tasks, tuple(_awaited(found, task.get_coro())))


def _awaited(found: Profile, awaitable: Any) -> Iterator[int | str]:
    """The coroutine, what it awaits, and so on to what nothing is known of but its type."""
    for _ in range(DEEPEST):
        for prefix, inner in (("cr", "cr_await"), ("ag", "ag_await"), ("gi", "gi_yieldfrom")):
            code = getattr(awaitable, f"{prefix}_code", None)
            if code is not None:
                yield found.key(code)
                awaitable = getattr(awaitable, inner, None)
                break
        else:
            if awaitable is not None:
                yield type(awaitable).__qualname__
            return
        if awaitable is None:
            return
