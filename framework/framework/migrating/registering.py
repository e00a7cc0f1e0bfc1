"""After the revisions: who is told of which event is written down (ADR 0014). Here modules are imported, and not before."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from framework.findings import BootError
from framework.migrating.connection import driver_of

if TYPE_CHECKING:
    from framework.module import Module


async def register(connection: AsyncConnection) -> list[str]:
    """Have exactly the enabled modules' subscriptions in the registry. Returns what a person should know of that.

    Modules that do not load change nothing: no process starts with them either, and each says why.
    """
    # Alembic needs none of it, and neither do `sm migrate --check` and `new`.
    from framework.loader import load_modules  # noqa: PLC0415
    from framework.settings import enabled_modules  # noqa: PLC0415
    from framework.subscriptions import write_subscriptions  # noqa: PLC0415

    try:
        modules = load_modules(enabled_modules())
    except BootError as error:
        return ["Who is told of which event stays as it was, because the enabled modules do not load:", *error.lines()]
    await write_subscriptions(await driver_of(connection), modules)
    return list(_not_told({module.name: module for module in modules}))


def _not_told(enabled: "dict[str, Module]") -> Iterator[str]:
    """What installed modules would like to hear of the enabled ones. Only this process imports a disabled module."""
    from framework.loader import installed  # noqa: PLC0415

    for name, point in installed().items():
        if name in enabled:
            continue
        try:
            wanted = {subscription.event.event_name for subscription in point.load().subscriptions}
        except Exception as error:  # noqa: BLE001 - a module that nobody runs must stop nothing
            yield f"{name} is disabled, and does not say what it would be told: {type(error).__name__}: {error}"
            continue
        if events := sorted(event for event in wanted if event.partition(".")[0] in enabled):
            yield f"{name} is disabled: nobody there is told of {', '.join(events)}"
