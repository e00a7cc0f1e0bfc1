"""The Dockerfile, instruction by instruction, and what its context leaves out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from shlex import join, split

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM054, SM057, SM058, SM059, SM060, SM069
from host.deployment.machine.program import Program
from host.deployment.secrets import WITH_PASSWORD

FILE, IGNORED = "Dockerfile", ".dockerignore"
FILES = (FILE, IGNORED)
NAMED_LIKE_SECRETS = re.compile(r"(?i)(secret|passw|token|credential|private_?key|api_?key)")
VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")
LIVE = "/health"
FOREVER = float("inf")
"""Whoever runs the image says for how long it waits."""


@dataclass(frozen=True, slots=True)
class Instruction:
    line: int
    name: str
    rest: str

    @property
    def words(self) -> list[str] | None:
        """Of the exec form; ``None`` where a shell would read it."""
        try:
            found = json.loads(self.rest)
        except ValueError:
            return None
        return [str(word) for word in found] if isinstance(found, list) else None


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    file = clone / FILE
    if not file.exists():
        return
    instructions = list(read(file.read_text()))
    stages = [number for number, item in enumerate(instructions) if item.name == "FROM"]
    if not stages:
        yield SM069.finding(f"{FILE} has no FROM", hint="docker build --check .")
        return
    yield from _bases(instructions)
    yield from _secrets(instructions)
    yield from _context(clone, instructions)
    last = instructions[stages[-1] :]
    yield from _person(last)
    yield from _process(last, modules)
    yield from _health(last)


def read(text: str) -> Iterator[Instruction]:
    """A line that ends with a backslash goes on, over comments in between."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun or number
        goes_on = line.rstrip().endswith("\\")
        parts.append(line.rstrip().removesuffix("\\").strip())
        if not goes_on:
            name, _, rest = " ".join(parts).partition(" ")
            yield Instruction(begun, name.upper(), rest.strip())
            begun, parts = 0, []


def _bases(instructions: Sequence[Instruction]) -> Iterator[Finding]:
    arguments: dict[str, str] = {}
    stages = {"scratch"}
    for item in instructions:
        if item.name == "ARG":
            name, _, value = item.rest.partition("=")
            arguments[name] = value
        if item.name == "FROM":
            words = [word for word in item.rest.split() if not word.startswith("--")]
            image = _filled(words[0], arguments)
            if image not in stages and moves(image):
                yield SM057.finding(
                    f"{FILE}:{item.line}: {image}: another build is of another image",
                    hint="a version, such as python:3.13-slim, or a digest",
                )
            stages |= {words[2]} if len(words) > 2 else set()


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: arguments.get(found[1] or found[3]) or found[2] or "", text)


def moves(image: str) -> bool:
    """Whether the name is that of whatever is newest."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and not re.search(r"\d", tag)


def _secrets(instructions: Sequence[Instruction]) -> Iterator[Finding]:
    for item in instructions:
        if item.name in ("ENV", "ARG"):
            for name, value in _assigned(item.rest):
                if WITH_PASSWORD(value) or (value and NAMED_LIKE_SECRETS.search(name) and not name.endswith("_FILE")):
                    yield SM060.finding(
                        f"{FILE}:{item.line}: {name} stays in the image", hint="RUN --mount=type=secret, or SM_…_FILE"
                    )


def _assigned(rest: str) -> Iterator[tuple[str, str]]:
    if "=" not in rest.split(" ", maxsplit=1)[0]:
        name, _, value = rest.partition(" ")
        yield name, value
        return
    for word in split(rest):
        name, _, value = word.partition("=")
        yield name, value


def _context(clone: Path, instructions: Sequence[Instruction]) -> Iterator[Finding]:
    file = clone / IGNORED
    patterns = file.read_text().splitlines() if file.exists() else []
    for item in instructions:
        sources = [word for word in item.rest.split() if not word.startswith("--")][:-1]
        if item.name not in ("COPY", "ADD") or "--from=" in item.rest:
            continue
        for source in sources:
            secret = source if Path(source).name.startswith(".env") else ".env"
            if source in (".", "./", secret) and not _left_out(secret, patterns):
                yield SM060.finding(
                    f"{FILE}:{item.line}: {secret} gets into a layer", hint=f"{IGNORED} with * and what is wanted"
                )


def _left_out(path: str, patterns: Sequence[str]) -> bool:
    """The last pattern that matches decides."""
    out = False
    for pattern in (line.strip() for line in patterns):
        bare = pattern.removeprefix("!").removeprefix("/").removeprefix("**/").rstrip("/")
        if pattern and not pattern.startswith("#") and fnmatch(path, bare):
            out = not pattern.startswith("!")
    return out


def _person(last: Sequence[Instruction]) -> Iterator[Finding]:
    users = [item for item in last if item.name == "USER"]
    name = users[-1].rest.partition(":")[0] if users else "root"
    if name in ("root", "0"):
        line = users[-1].line if users else last[0].line
        yield SM058.finding(f"{FILE}:{line}: its processes run as root", hint="USER 10001:10001")
    elif not name.isdigit():
        yield SM058.finding(
            f"{FILE}:{users[-1].line}: whether {name} is root, a cluster cannot tell", hint="a number: USER 10001:10001"
        )


def _process(last: Sequence[Instruction], modules: Sequence[Module]) -> Iterator[Finding]:
    said = [item for item in last if item.name in ("ENTRYPOINT", "CMD")]
    for item in said:
        if item.words is None:
            yield SM059.finding(
                f"{FILE}:{item.line}: a shell runs the process", hint=f'{item.name} ["sm", "web", "--host", "0.0.0.0"]'
            )
    words = [word for item in said for word in (item.words or split(item.rest))]
    stop = [item.rest.removeprefix("SIG") for item in last if item.name == "STOPSIGNAL"]
    where = f"{FILE}:{said[-1].line}" if said else FILE
    program = Program(
        name="the image",
        command=join(words),
        at=lambda _: where,
        told={},
        modules=modules,
        option="",
        patience=FOREVER,
        signal=stop[-1] if stop else "TERM",
        to_all=False,
    )
    yield from program.findings()


def _health(last: Sequence[Instruction]) -> Iterator[Finding]:
    found = [item for item in last if item.name == "HEALTHCHECK"]
    if not found:
        yield SM054.finding(f"{FILE}: nothing asks whether the process answers", hint=f"HEALTHCHECK … {LIVE}")
        return
    item = found[-1]
    _, _, command = item.rest.partition("CMD ")
    if Instruction(item.line, "CMD", command).words is None:
        yield SM059.finding(f"{FILE}:{item.line}: the health check needs a shell", hint='CMD ["python", …]')
    paths = re.findall(r"https?://[^/\s'\"]+([^\s'\"\],)]*)", command)
    if LIVE not in paths:
        yield SM054.finding(
            f"{FILE}:{item.line}: the health check asks for {paths[0] if paths else 'nothing of the process'}",
            hint=f"{LIVE}: who replaces what is unhealthy would replace everything when Postgres is away",
        )
