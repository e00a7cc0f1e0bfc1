"""A profile as speedscope reads it (its wiki, "Importing from custom sources"), and with it many others."""

import os
import sys
from collections import Counter
from pathlib import Path
from types import CodeType
from typing import Any

from admin.profiler import TASKS_EVERY, Profile, Stack

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_roots = sorted({str(Path(root)) + os.sep for root in [*sys.path, sys.prefix] if root}, key=len, reverse=True)


def document(profile: Profile, name: str) -> dict[str, Any]:
    """One profile for each thread, the busiest first, and one for what tasks await. Weights are seconds."""
    frames: dict[int | str, int] = {}
    each = profile.seconds / profile.rounds if profile.rounds else 0
    by_thread = sorted(profile.threads.items(), key=lambda item: -len(item[1]))
    return {
        "$schema": SCHEMA,
        "name": name,
        "exporter": "seamark",
        "activeProfileIndex": 0,
        "profiles": [
            *(_sampled(f"thread {thread}", stacks, each, frames) for thread, stacks in by_thread),
            _sampled("what tasks await", profile.tasks, TASKS_EVERY, frames),
        ],
        # Filled by the profiles above.
        "shared": {"frames": [_frame(key if isinstance(key, str) else profile.codes[key]) for key in frames]},
    }


def _sampled(name: str, stacks: Counter[Stack], each: float, frames: dict[int | str, int]) -> dict[str, Any]:
    ordered = sorted(stacks.items(), key=lambda item: -item[1])
    return {
        "type": "sampled",
        "name": name,
        "unit": "seconds",
        "startValue": 0,
        "endValue": round(stacks.total() * each, 4),
        "samples": [[frames.setdefault(code, len(frames)) for code in stack] for stack, _ in ordered],
        "weights": [round(count * each, 4) for _, count in ordered],
    }


def _frame(code: CodeType | str) -> dict[str, Any]:
    if isinstance(code, str):
        return {"name": code}
    return {"name": code.co_qualname, "file": _shown(code.co_filename), "line": code.co_firstlineno}


def _shown(path: str) -> str:
    """Without the folders of this machine."""
    root = next((root for root in _roots if path.startswith(root)), "")
    return path.removeprefix(root)
