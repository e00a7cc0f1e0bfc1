"""Ends ``sm dev`` with the command that a person typed.

``make dev`` is three processes: make, uv, and this one. Killing one of the others would leave this one running where
nobody sees it, and the next `make dev` would find its folder taken.
"""

import asyncio
import os

import psutil

LAUNCHERS = {"make", "gmake", "uv"}
SHELLS = {"sh", "bash", "dash", "zsh"}


def launchers() -> list[psutil.Process]:
    """The processes above this one up to the last make or uv; shells count only in between."""
    above: list[psutil.Process] = []
    for process in psutil.Process(os.getpid()).parents():
        if process.name() not in LAUNCHERS | SHELLS:
            break
        above.append(process)
    while above and above[-1].name() in SHELLS:
        above.pop()
    return above


async def launcher_gone(watched: list[psutil.Process]) -> None:
    """Returns when one of them has ended."""
    while all(process.is_running() for process in watched):  # noqa: ASYNC110 - no portable event for another's end
        await asyncio.sleep(0.5)
