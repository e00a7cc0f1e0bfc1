"""``sm assets``: the built browser application, in the folder from which a proxy serves it."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from framework.codes import SM016
from framework.findings import BootError

assets_app = typer.Typer(no_args_is_help=True)
DAY = 24 * 60 * 60.0
HASHED = re.compile(r"assets/[^./][^/]*-[\w-]{8}\.[a-z0-9]+(\.gz|\.br)?").fullmatch
"""As Vite names what it builds. Nothing else is ever removed: the folder may be one that has other files."""
UNFINISHED = ".copying-"


@assets_app.callback()
def assets() -> None:
    """Hand the built browser application to the proxy that serves it."""


@assets_app.command()
def copy(
    folder: Annotated[Path, typer.Argument(help="What the proxy serves as /build/.")],
    keep_days: Annotated[
        int, typer.Option(min=1, help="Days after the last deploy that had a file, until it is removed.")
    ] = 30,
) -> None:
    """Copy the built browser application into a folder, and leave what earlier deploys have put there.

    A page that is open for days asks for the chunks of its own build. Run it before the new processes start. Any number
    may run at once, and a file is there as a whole or not at all.
    """
    from host.shell import DIST  # noqa: PLC0415 - `sm --help` needs none of it

    copied = copy_build(DIST, folder, keep=keep_days * DAY, now=time.time())
    typer.echo(f"{folder}: {copied.added} added, {copied.kept} kept, {copied.removed} removed")


@dataclass(frozen=True, slots=True)
class Copied:
    """Files: of this build and new; of this or an earlier build, and there already; of builds that are long gone."""

    added: int
    kept: int
    removed: int


def copy_build(built: Path, folder: Path, *, keep: float, now: float) -> Copied:
    """``keep``: seconds since the last copy of a build that had it, until a file is removed; ``now``: seconds since 1970.

    A file's modification time is when it was last copied, so all machines that share the folder agree on its age.
    Raises ``BootError`` where nothing is built.
    """
    names = set(_names(built))
    if not names:
        raise BootError([SM016.finding(f"{built} has no files", hint="npm ci && npm run build")])
    there = set(_names(folder))
    for name in names:
        _put(built / name, folder / name, now)
    old = {name for name in there - names if HASHED(name.as_posix()) and _modified(folder / name) < now - keep}
    for name in old:
        (folder / name).unlink(missing_ok=True)
    return Copied(len(names - there), len(there) - len(old), len(old))


def _names(folder: Path) -> Iterator[Path]:
    """Of what a browser may ask for: Vite's manifest, in a hidden folder, is the application's, as are unfinished copies."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name


def _put(source: Path, target: Path, now: float) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f"{UNFINISHED}{os.getpid()}-{target.name}")
    try:
        shutil.copyfile(source, path)
        # The proxy is another user.
        path.chmod(0o644)
        os.utime(path, (now, now))
        path.replace(target)
    finally:
        path.unlink(missing_ok=True)


def _modified(path: Path) -> float:
    """Of a file that another copy has just removed: never old."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
