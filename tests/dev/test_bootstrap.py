"""What runs before uv: on old Pythons, next to a uv that does not work."""

import ast
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from host.dev.environment import CLONE

SCRIPT = CLONE / "host/bootstrap.py"
UV = Path(os.environ.get("UV") or shutil.which("uv") or CLONE / ".seamark/uv/bin/uv")


def run(*arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)


def shim(folder: Path, answer: str) -> str:
    (folder / "uv").write_text(f"#!/bin/sh\n{answer}\n")
    (folder / "uv").chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("answer", ["echo 'pyenv: uv: command not found'; exit 127", "echo uv 0.1.45"])
def test_a_uv_that_does_not_work_or_is_too_old_is_passed_over(tmp_path: Path, answer: str) -> None:
    done = run("--version", path=os.pathsep.join([shim(tmp_path, answer), str(UV.parent), os.defpath]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("uv 0.")
    assert "0.1.45" not in done.stdout


def test_it_becomes_uv_in_the_clone_with_status_and_arguments(tmp_path: Path) -> None:
    path = os.pathsep.join(
        [shim(tmp_path, 'if [ "$1" = --version ]; then echo uv 9.0; else pwd; echo "$@"; exit 5; fi'), os.defpath]
    )
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "run", "sm dev"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "UV_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5
    assert done.stdout.splitlines() == [str(CLONE), "run sm dev"]


def test_it_is_written_for_python_3_9_with_nothing_installed() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 9))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


def test_this_machine_is_one_with_wheels() -> None:
    assert runpy.run_path(str(SCRIPT), run_name="bootstrap")["servers_have_wheels"]()
