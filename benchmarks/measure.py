"""Interleaved rounds: both servers in turn, so that what else the machine does falls on both."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmarks.load import Request, send

ROUNDS = 7
# Some tenths of a second of CPU time for the cheapest route: the clock's ticks are then below a percent or two.
REQUESTS = 6000
WARM_UP = 1000


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several measurements, the least and the most of them."""

    values: Sequence[float]

    def text(self, digits: int) -> str:
        low, high = min(self.values), max(self.values)
        return f"{median(self.values):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass(frozen=True, slots=True)
class Case:
    """The same answer from both; ``limit`` is the most that ours may cost, as a multiple of the floor."""

    title: str
    ours: Request
    floor: Request
    limit: float


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    ours: Spread
    floor: Spread
    ratio: Spread

    @property
    def passed(self) -> bool:
        return self.ratio.median <= self.case.limit


def compare(case: Case, ours: int, floor: int) -> Result:
    """CPU microseconds a request of the processes ``ours`` and ``floor``."""
    pairs = alternate(case.ours, ours, case.floor, floor, ROUNDS)
    return Result(
        case,
        Spread([mine for mine, _ in pairs]),
        Spread([bare for _, bare in pairs]),
        Spread([mine / bare for mine, bare in pairs]),
    )


def alternate(ours: Request, pid: int, floor: Request, floor_pid: int, rounds: int) -> list[tuple[float, float]]:
    """CPU microseconds of a request to each, round by round."""
    asyncio.run(send(floor, WARM_UP))
    asyncio.run(send(ours, WARM_UP))
    return [(cost(ours, pid), cost(floor, floor_pid)) for _ in range(rounds)]


def cost(request: Request, pid: int) -> float:
    process = psutil.Process(pid)
    before = cpu_seconds(process)
    asyncio.run(send(request, REQUESTS))
    return (cpu_seconds(process) - before) / REQUESTS * 1_000_000


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def proportional_set_size(pid: int) -> float:
    """Memory in MiB, shared pages counted by their share; where the system does not know it, the resident size."""
    memory = psutil.Process(pid).memory_full_info()
    return float(getattr(memory, "pss", memory.rss)) / 1_048_576


def machine() -> str:
    model = next(
        (line.partition(": ")[2] for line in _cpu_info() if line.startswith("model name")), "unknown processor"
    )
    return f"{psutil.cpu_count()} cores ({model})"


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
