"""``sm psql``: the client program with the address of the database."""

import os
import shutil
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from framework.embedded import MissingWheelError
from framework.embedded.postgres import client_program
from framework.settings import FileSecrets, Settings

from host.dev.environment import DevError, Workplace
from host.dev.servers import DATABASE_URL


def replace_by_psql(workplace: Workplace, arguments: Sequence[str]) -> None:
    url = (
        workplace.configured().get(DATABASE_URL)
        or FileSecrets(Settings)().get("database_url")
        or dotenv_values(workplace.run_env).get(DATABASE_URL)
    )
    if not url:
        raise DevError(
            "No database: `sm dev` is not running here, and neither SM_DATABASE_URL nor SM_DATABASE_URL_FILE is set."
        )
    program = shutil.which("psql") or _from_wheel()
    os.execve(program, ["psql", *arguments], {**os.environ, **_connection(url)})  # noqa: S606 - no shell is wanted


def _from_wheel() -> str:
    # Second choice: built without line editing.
    try:
        return client_program("psql")
    except MissingWheelError as error:
        raise DevError("psql was not found; install your system's Postgres client.") from error


def _connection(url: str) -> dict[str, str]:
    """In the environment and not in the arguments, which everybody on the machine can read."""
    parts = urlsplit(url)
    values = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": unquote(parts.username) if parts.username else None,
        "PGPASSWORD": unquote(parts.password) if parts.password else None,
        "PGDATABASE": unquote(parts.path.lstrip("/")) or None,
    }
    return {name: value for name, value in values.items() if value is not None}
