"""Which WAL there is after a base backup, and how far it reaches without a gap.

Names are Postgres' own ("WAL File Names" in its sources, xlog_internal.h): timeline, and the segment's number in two parts.
They lie in a folder named after the timeline on which their receiver began, so that one that begins anew after a restore
has nothing of the time before it. Those of object storage end with ``.gz``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from host.backup.target import Stored, Target

FOLDER = "wal/"
RECEIVER = f"{FOLDER}receiver.json"
NAME = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?(\.gz)?").fullmatch
HISTORY = re.compile(r"([0-9A-F]{8})\.history(\.gz)?").fullmatch
SWITCH = re.compile(r"^\s*(\d+)\s+([0-9A-F]+)/([0-9A-F]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Segment:
    timeline: int
    number: int
    partial: bool
    """Not full yet. What follows its last record is zeros or old, which recovery recognises."""
    stored: Stored


@dataclass(frozen=True, slots=True)
class Reach:
    """What can be replayed after a base backup, in order."""

    segments: tuple[Segment, ...]
    missing: str
    """The name of the first that is not there although later ones are; else empty."""

    @property
    def until(self) -> datetime | None:
        """When the last of it was received."""
        return max((segment.stored.modified for segment in self.segments), default=None)


def position(text: str) -> int:
    """Bytes, of ``16/B374D848``."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def name_of(timeline: int, number: int, size: int) -> str:
    per_log = 0x100000000 // size
    return f"{timeline:08X}{number // per_log:08X}{number % per_log:08X}"


def folder_of(timeline: int) -> str:
    return f"{FOLDER}{timeline:08X}/"


def segments(files: Iterable[Stored], size: int) -> list[Segment]:
    found = []
    for file in files:
        if match := NAME(file.name.rpartition("/")[2]):
            timeline, log, rest = (int(part, 16) for part in match.groups()[:3])
            found.append(Segment(timeline, log * (0x100000000 // size) + rest, match[4] is not None, file))
    return found


def histories(target: Target, files: Iterable[Stored]) -> dict[int, list[tuple[int, int]]]:
    """Of each timeline: those that it came from, with the position at which each ended."""
    found = {}
    for file in files:
        if match := HISTORY(file.name.rpartition("/")[2]):
            lines = SWITCH.findall(unpacked(file.name, target.read(file.name)).decode())
            found[int(match[1], 16)] = [(int(timeline), position(f"{high}/{low}")) for timeline, high, low in lines]
    return found


def unpacked(name: str, content: bytes) -> bytes:
    import gzip  # noqa: PLC0415

    return gzip.decompress(content) if name.endswith(".gz") else content


def reach(
    start: tuple[int, int],
    stop: int,
    all_segments: Iterable[Segment],
    forks: Mapping[int, list[tuple[int, int]]],
    size: int,
) -> Reach:
    """From a base backup that began at ``start`` (timeline, position) and is consistent at ``stop``; to the newest timeline.

    As ``recovery_target_timeline = latest`` does it.
    """
    timeline, begun = start
    newest = max(
        (line for line, past in forks.items() if any(of == timeline and end >= stop for of, end in past)),
        default=timeline,
    )
    past = [(of, end) for of, end in forks.get(newest, []) if of >= timeline]
    there: dict[tuple[int, int], Segment] = {}
    for segment in all_segments:
        known = there.get((segment.timeline, segment.number))
        if known is None or _better(segment, known):
            there[segment.timeline, segment.number] = segment
    last = max((number for line, number in there if line == newest), default=-1)
    found: list[Segment] = []
    # What was written while a base backup was taken it brings along, but perhaps not all of its last segment.
    number, needed = begun // size, stop // size
    while number <= last:
        owner = next((of for of, end in past if number < end // size), newest)
        candidate = there.get((owner, number))
        if candidate is not None:
            found.append(candidate)
        elif number >= needed:
            return Reach(tuple(found), name_of(owner, number, size))
        number += 1
    return Reach(tuple(found), "")


def _better(one: Segment, other: Segment) -> bool:
    if one.partial != other.partial:
        return other.partial
    return one.stored.modified > other.stored.modified
