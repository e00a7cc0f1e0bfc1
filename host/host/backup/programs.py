"""Postgres' own programs, of the server's major version: they do the work that must be right."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from framework.embedded.errors import MissingWheelError
from framework.embedded.postgres import client_program
from sqlalchemy import make_url

from host.backup import BackupError

PACKAGED = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Programs:
    """Of one major version of Postgres, in one folder."""

    folder: Path

    def path(self, name: str) -> str:
        return str(self.folder / name)


def programs(major: int, named: Path | None = None) -> Programs:
    """Those for a server of this major version; ``named`` is where to look instead of the usual places.

    Of the same version, not a later one: ``pg_verifybackup`` and ``pg_waldump`` read no other. Raises ``BackupError``.
    """
    seen = []
    for folder in [named] if named else _folders():
        found = _major(folder / "pg_basebackup")
        if found == major:
            return Programs(folder)
        seen.append(f"{folder} ({found or 'none'})")
    where = ", ".join(seen) or "nowhere"
    raise BackupError(
        f"no pg_basebackup of Postgres {major} found, which the server is; looked in: {where}. Install "
        f"postgresql-client-{major} and postgresql-{major}, or name their folder in SM_BACKUP_POSTGRES_BIN."
    )


def _folders() -> Iterator[Path]:
    for folder in os.get_exec_path():
        # Debian's one in the PATH is a wrapper that chooses a version by itself.
        if (Path(folder) / "pg_basebackup").is_file() and not (Path(folder) / "pg_wrapper").exists():
            found = (Path(folder) / "pg_basebackup").resolve()
            if found.name == "pg_basebackup":
                yield found.parent
    yield from sorted(PACKAGED.glob("*/bin"), reverse=True)
    try:
        yield Path(client_program("pg_basebackup")).parent
    except MissingWheelError:
        return


def _major(program: Path) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    number = re.search(r"\) (\d+)", said)
    return int(number[1]) if number else None


def environment_of(url: str) -> dict[str, str]:
    """What libpq reads (its chapter "Environment Variables"): a password on a command line is everybody's to see."""
    parts = make_url(url)
    query = {name: value for name, value in parts.query.items() if isinstance(value, str)}
    named = {
        "PGHOST": parts.host or query.get("host"),
        "PGPORT": str(parts.port or query.get("port") or 5432),
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGSSLMODE": query.get("ssl") or query.get("sslmode"),
        "PGCONNECT_TIMEOUT": "10",
    }
    return os.environ | {name: value for name, value in named.items() if value} | {"LC_MESSAGES": "C"}


def run(command: Sequence[str], environment: dict[str, str] | None = None, *, shown: bool = False) -> str:
    """What it printed. ``shown``: its errors and its progress go to the terminal instead. Raises ``BackupError``."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout or "").strip()
        name = Path(command[0]).name
        raise BackupError(f"{name} ended with status {done.returncode}{': ' + said if said else '; it says why above'}")
    return done.stdout


def exists(program: str) -> bool:
    return shutil.which(program) is not None
