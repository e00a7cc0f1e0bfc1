"""Tells the worker and the scheduler when Python code changed; uvicorn watches for itself and keeps its socket meanwhile."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

SOURCES = ("host", "framework", "modules")


async def watch_code(clone: Path, listeners: Iterable[asyncio.Event]) -> None:
    from watchfiles import Change, PythonFilter, awatch  # noqa: PLC0415 - `sm --help` does without

    class ProgramCode(PythonFilter):
        def __call__(self, change: Change, path: str) -> bool:
            return super().__call__(change, path) and "tests" not in Path(path).parts

    async for _ in awatch(*(clone / source for source in SOURCES), watch_filter=ProgramCode()):
        for listener in listeners:
            listener.set()
