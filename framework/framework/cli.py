"""For the commands that modules contribute: an application around one coroutine."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from framework.application import Application, connect
from framework.correlation import bound, new_correlation_id
from framework.loader import load_modules
from framework.logging import configure
from framework.settings import Settings, load


def run[T](work: Callable[[Application], Awaitable[T]]) -> T:
    """Settings, modules, services; then ``work``; then everything is closed. One correlation id covers the command.

    Raises ``BootError`` when a setting or a module is wrong.
    """
    settings = load(Settings)
    configure(settings.log_format, settings.log_level, "command", stream=sys.stderr)

    async def main() -> T:
        application = connect(settings, load_modules(settings.modules_enabled), "command")
        try:
            return await work(application)
        finally:
            await application.close()

    with bound(new_correlation_id()):
        return asyncio.run(main())
