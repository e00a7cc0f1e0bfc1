"""nginx' files as nginx reads them: every include in its place."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crossplane
from crossplane.analyzer import analyze, enter_block_ctx
from crossplane.errors import NgxParserDirectiveError
from framework.findings import Finding

from host.deployment.codes import SM069

INSTALLED = re.compile(r"(?:/etc/nginx/)?seamark/").match
"""The folder is called so below /etc/nginx, and includes its files by that name."""
BLOCKS_OF_HTTP = {"server", "upstream"}
# As the comments of listen-1.22.conf and listen-1.25.conf say it.
BEFORE = re.compile(r"nginx before (\d+)\.(\d+)(?:\.(\d+))?")
SINCE = re.compile(r"nginx (\d+)\.(\d+)(?:\.(\d+))? (?:and|or) (?:later|newer)")
type Version = tuple[int, int, int]
type Context = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Directive:
    """``block``: what is between its braces; ``None`` where it has none."""

    name: str
    args: tuple[str, ...]
    where: str
    block: tuple["Directive", ...] | None

    @property
    def inside(self) -> tuple["Directive", ...]:
        return self.block or ()


@dataclass(frozen=True, slots=True)
class File:
    """What a file itself holds, and the versions that its comments say it is for."""

    name: str
    raw: list[dict[str, Any]]
    before: Version | None
    since: Version | None


class Reading:
    """The files of a clone; what is wrong with them as files is in ``findings``."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.shipped = clone / "deploy" / "nginx"
        self.findings: list[Finding] = []
        self.files: dict[Path, File] = {}
        self._reached: set[Path] = set()
        self._root = self.shipped

    def sites(self) -> Iterator[tuple[Path, tuple[Directive, ...]]]:
        """By the file that each begins with: what stands in each ``http`` block: of an nginx.conf, and of the shipped folder as somebody's nginx.conf includes it."""
        for path in sorted((self.clone / "deploy").glob("**/nginx.conf")):
            self._root = path.parent
            whole = self._directives(path, ())
            blocks = [directive.inside for directive in whole if directive.name == "http"]
            # One that is included within http, whatever its name.
            yield from ((path, block) for block in blocks or [whole])
        self._root = self.shipped
        parts = sorted(self.shipped.glob("*.conf"), key=lambda path: (path.name != "seamark.conf", path.name))
        for path in parts:
            # Together with its files, however else they are reached.
            if path.name == "seamark.conf" or (
                path not in self._reached and BLOCKS_OF_HTTP & {each["directive"] for each in self._file(path).raw}
            ):
                yield path, self._directives(path, ("http",))

    def _directives(self, path: Path, context: Context) -> tuple[Directive, ...]:
        self._reached.add(path)
        file = self._file(path)
        return tuple(self._expanded(file.raw, path, context))

    def _file(self, path: Path) -> File:
        if path not in self.files:
            name = path.relative_to(self.clone).as_posix()
            parsed = crossplane.parse(str(path), single=True, comments=True, check_ctx=False, check_args=False)
            for error in parsed["errors"]:
                self._wrong(f"{name}:{error['line']}" if error.get("line") else name, error["error"], path)
            raw = parsed["config"][0]["parsed"]
            said = "\n".join(_comments(raw))
            self.files[path] = File(name, raw, _version(BEFORE.search(said)), _version(SINCE.search(said)))
        return self.files[path]

    def _expanded(self, raw: Iterable[dict[str, Any]], path: Path, context: Context) -> Iterator[Directive]:
        for said in raw:
            where = f"{self.files[path].name}:{said['line']}"
            if said["directive"] == "#":
                continue
            if said["directive"] == "include":
                for included in self._included(said["args"][0], path, where):
                    yield from self._directives(included, context)
                continue
            try:
                analyze(str(path), said, "{" if "block" in said else ";", context)
            except NgxParserDirectiveError as error:
                self._wrong(where, error.strerror, path)
            block = None
            if "block" in said:
                block = tuple(self._expanded(said["block"], path, enter_block_ctx(said, context)))
            yield Directive(said["directive"], tuple(said["args"]), where, block)

    def _included(self, pattern: str, path: Path, where: str) -> Iterator[Path]:
        """What is not of this clone, such as /etc/nginx/mime.types, is left out."""
        installed = INSTALLED(pattern)
        name = pattern[installed.end() if installed else 0 :]
        # As it is mounted: a file beside the nginx.conf is there instead of the shipped one of that name.
        folders = (self._root, self.shipped) if installed else (path.parent,)
        for folder in folders:
            found = sorted(each for each in folder.glob(name.lstrip("/")) if each.is_file())
            if found:
                yield from found
                return
        if installed and not set(name) & set("*?["):
            self._wrong(where, f"there is no {pattern}", path)

    def _wrong(self, where: str, what: str, path: Path) -> None:
        what = what.replace(f" in {path}", "").partition(f"{path}:")[0].strip()
        self.findings.append(SM069.finding(f"{where}: {what}", hint="nginx -t"))


def _comments(raw: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (said["comment"] for said in raw if said["directive"] == "#")


def _version(found: re.Match[str] | None) -> Version | None:
    if found is None:
        return None
    major, minor, patch = (int(part or 0) for part in found.groups())
    return major, minor, patch
