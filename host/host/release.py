"""``python -m host.release 0.2.0``: one version for every package of the clone, Python and browser alike.

They are released together and need each other in this very version, so that whoever installs one gets the others with it.
``--check`` says where that does not hold; with the name of a tag it also asks whether that version is described.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from host.dev.environment import CLONE

PYTHON = ("host/pyproject.toml", "framework/pyproject.toml", "modules/*/pyproject.toml")
BROWSER = ("host/client_app/package.json", "packages/*/package.json", "modules/*/frontend/package.json")
NPM_LOCK, UV_LOCK, CHANGELOG = "package-lock.json", "uv.lock", "CHANGELOG.md"
DISTRIBUTION, SCOPE = "seamark-", "@seamark/"
is_version = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?").fullmatch
"""As PyPI takes it (PEP 440): without a hyphen, which npm puts into what it publishes."""


def members(clone: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(clone.glob(pattern))]


def versions(clone: Path) -> Iterator[tuple[str, str]]:
    """Every place that says a version of the clone's own packages, and what it says."""
    for path in members(clone, PYTHON):
        project = tomllib.loads(path.read_text())["project"]
        yield f"{path.relative_to(clone)}: version", project["version"]
        for needed in project["dependencies"]:
            if needed.startswith(DISTRIBUTION):
                name, _, version = needed.partition("==")
                yield f"{path.relative_to(clone)}: {name}", version
    for path in members(clone, BROWSER):
        yield from _of_package(str(path.relative_to(clone)), orjson.loads(path.read_bytes()))
    for folder, package in orjson.loads((clone / NPM_LOCK).read_bytes())["packages"].items():
        if package.get("name", "").startswith(SCOPE):
            yield from _of_package(f"{NPM_LOCK}: {folder}", package)
    for package in tomllib.loads((clone / UV_LOCK).read_text())["package"]:
        if package["name"].startswith(DISTRIBUTION):
            yield f"{UV_LOCK}: {package['name']}", package["version"]


def _of_package(where: str, package: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"{where}: version", package["version"]
    for name, version in package.get("dependencies", {}).items():
        if name.startswith(SCOPE):
            yield f"{where}: {name}", version


def write(clone: Path, version: str, today: date) -> list[Path]:
    """Give everything this version; returns the files that were changed."""
    changes = {path: _in_project(path.read_text(), version) for path in members(clone, PYTHON)}
    changes |= {path: _in_package(path.read_text(), version) for path in members(clone, BROWSER)}
    changes[clone / NPM_LOCK] = _in_npm_lock((clone / NPM_LOCK).read_bytes(), version)
    changes[clone / UV_LOCK] = _in_uv_lock((clone / UV_LOCK).read_text(), version)
    changes[clone / CHANGELOG] = _in_changelog((clone / CHANGELOG).read_text(), version, today)
    changed = [path for path, text in changes.items() if path.read_text() != text]
    for path in changed:
        path.write_text(changes[path])
    return changed


def _in_project(text: str, version: str) -> str:
    text = re.sub(r'^version = ".*"$', f'version = "{version}"', text, count=1, flags=re.MULTILINE)
    return re.sub(rf'"({DISTRIBUTION}[a-z0-9-]+)(==[^"]+)?"(?=[,\]])', rf'"\1=={version}"', text)


def _in_package(text: str, version: str) -> str:
    text = re.sub(r'("version": )"[^"]+"', rf'\1"{version}"', text, count=1)
    return re.sub(rf'("{SCOPE}[a-z0-9-]+": )"[^"]+"', rf'\1"{version}"', text)


def _in_npm_lock(content: bytes, version: str) -> str:
    lock = orjson.loads(content)
    for package in lock["packages"].values():
        if package.get("name", "").startswith(SCOPE):
            package["version"] = version
            needed = package.get("dependencies", {})
            needed |= {name: version for name in needed if name.startswith(SCOPE)}
    return orjson.dumps(lock, option=orjson.OPT_INDENT_2).decode() + "\n"


def _in_uv_lock(text: str, version: str) -> str:
    return re.sub(rf'(name = "{DISTRIBUTION}[a-z0-9-]+"\nversion = )"[^"]+"', rf'\1"{version}"', text)


def _in_changelog(text: str, version: str, today: date) -> str:
    return re.sub(r"^## \[Unreleased\].*$", f"## [{version}] {today}", text, count=1, flags=re.MULTILINE)


def problems(clone: Path, tag: str | None) -> Iterator[str]:
    """``tag``: of the release, ``v`` and a version."""
    said = list(versions(clone))
    right = tag.removeprefix("v") if tag else said[0][1]
    yield from (f"{where} is {version or 'not said'}, not {right}" for where, version in said if version != right)
    if tag is not None and not is_version(right):
        yield f"{tag} is no v and a version such as 1.4.0 or 1.5.0rc1"
    if tag is not None and f"\n## [{right}] 2" not in (clone / CHANGELOG).read_text():
        yield f"{CHANGELOG} has no dated heading for {right}"


def main(
    version: Annotated[
        str | None, typer.Argument(help="The new version; with --check the tag, if there is one.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit with 1 where versions differ.")] = False,
) -> None:
    """Give every package of the clone the same version, and the changelog its heading."""
    if check:
        found = list(problems(CLONE, version))
        typer.echo("\n".join(found) or "one version everywhere")
        raise typer.Exit(1 if found else 0)
    if version is None or not is_version(version):
        typer.echo("say a version such as 1.4.0 or 1.5.0rc1", err=True)
        raise typer.Exit(2)
    for path in write(CLONE, version, datetime.now(UTC).date()):
        typer.echo(path.relative_to(CLONE))


if __name__ == "__main__":
    typer.run(main)
