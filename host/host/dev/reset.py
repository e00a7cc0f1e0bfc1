"""Starting over with an empty database."""

from pathlib import Path

from framework.embedded import EmbeddedServerError, Leash

from host.dev.environment import DevError, Workplace
from host.dev.servers import DATABASE_URL, Servers
from host.dev.stack import take_lock


def folders_to_erase(workplace: Workplace) -> list[Path]:
    """Raises ``DevError`` when the database is somebody else's to empty."""
    configured = workplace.configured()
    if DATABASE_URL in configured:
        raise DevError(f"{DATABASE_URL} is set: that database is not for this command to delete.")
    servers = Servers(workplace.clone, configured, Leash())
    return [server.folder.path for server in servers.embedded if server.folder.path.exists()]


def erase(workplace: Workplace) -> None:
    lock = take_lock(workplace)
    try:
        for server in Servers(workplace.clone, workplace.configured(), Leash()).embedded:
            server.erase()
    except EmbeddedServerError as error:
        raise DevError(str(error)) from error
    finally:
        lock.release()
