"""For the commands that modules contribute: an application around one coroutine."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from framework.application import Application, connect
from framework.correlation import bound, new_correlation_id
from framework.installation import read_installation


def run[T](work: Callable[[Application], Awaitable[T]]) -> T:
    """Settings, modules, services; then ``work``; then everything is closed. One correlation id covers the command.

    Raises ``BootError`` when a setting or a module is wrong.
    """
    settings, modules = read_installation("command", log_to=sys.stderr)

    async def main() -> T:
        application = connect(settings, modules, "command")
        try:
            return await work(application)
        finally:
            await application.close()

    with bound(new_correlation_id()):
        return asyncio.run(main())
