"""Starting over with an empty database."""

from collections.abc import Callable
from pathlib import Path

from framework.embedded import EmbeddedServerError, Leash

from host.dev.environment import DevError, Workplace
from host.dev.servers import DATABASE_URL, Servers
from host.dev.stack import take_lock


def reset(workplace: Workplace, agreed: Callable[[list[Path]], bool]) -> bool:
    """Delete what ``agreed`` to delete; whether it did. Raises ``DevError`` where that is not this command's to decide."""
    configured = workplace.configured()
    if DATABASE_URL in configured:
        raise DevError(f"{DATABASE_URL} is set: that database is not this command's to delete.")
    workplace.folder.mkdir(exist_ok=True)
    lock = take_lock(workplace)
    try:
        servers = Servers(workplace.clone, configured, Leash()).embedded
        if not agreed([server.folder.path for server in servers if server.folder.path.exists()]):
            return False
        for server in servers:
            server.erase()
    except EmbeddedServerError as error:
        raise DevError(str(error)) from error
    finally:
        lock.release()
    return True
