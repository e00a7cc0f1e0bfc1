"""``make check``: every gate of a change, each to its end; what failed is shown together at the end."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import typer

from host.dev import node
from host.dev.environment import CLONE

SCHEMA = ("packages/api-client/openapi.json", "packages/api-client/src/schema.d.ts")
TESTED = ("tests/*", "host/tests", "framework/tests", "modules/*/tests", "benchmarks")
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Gate:
    """``commands`` run one after the other, all of them; ``repair`` is what to do about a failure."""

    name: str
    repair: str
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    gate: Gate
    passed: bool
    seconds: float
    output: str


def gates(clone: Path = CLONE) -> tuple[Gate, ...]:
    """The slow ones first, so that the quick ones fill the other core meanwhile."""
    python = (sys.executable, "-m")
    openapi, schema = SCHEMA
    return (
        Gate("types", "read the first error; the others often follow from it", _type_checks(clone)),
        Gate("browser", "npm run format, then npm run check", (("npm", "run", "check"),)),
        Gate("migrations", 'sm migrate new <module> -m "…"', ((*python, "host.cli", "migrate", "models"),)),
        Gate("reference docs", "make docs", ((*python, "host.reference", "--check"),)),
        Gate("api description", "make client", ((*python, "host.cli", "openapi", "--check", "-o", openapi),)),
        Gate("api client", "make client", (("npx", "openapi-typescript", openapi, "-o", schema, "--check"),)),
        Gate(
            "deployment",
            "sm doctor --deploy says what to write instead",
            ((*python, "host.cli", "doctor", "--deploy"),),
        ),
        Gate("boundaries", "move the import, or list the module in requires", ((*python, "host.boundaries"),)),
        Gate("format", "uv run ruff format", ((*python, "ruff", "format", "--check", "."),)),
        Gate("lint", "uv run ruff check --fix", ((*python, "ruff", "check", "."),)),
        Gate("versions", "uv run python -m host.release <version>", ((*python, "host.release", "--check"),)),
        Gate("uv.lock", "uv lock", ((sys.executable, "host/bootstrap.py", "lock", "--check"),)),
        Gate("package-lock.json", "npm install, then npm ci", (("npm", "ci", "--dry-run", "--ignore-scripts"),)),
    )


def _type_checks(clone: Path) -> tuple[tuple[str, ...], ...]:
    """Sources at once, then each folder of tests by itself: test files of two modules may have the same name."""
    sources = ["host/host", "framework/framework", *_folders(clone, "modules/*/*/module.py")]
    folders = [folder for pattern in TESTED for folder in sorted(clone.glob(pattern)) if any(folder.rglob("*.py"))]
    tests = [str(folder.relative_to(clone)) for folder in folders]
    mypy = (sys.executable, "-m", "mypy", "--no-error-summary")
    return ((*mypy, *sources), *((*mypy, folder) for folder in tests))


def _folders(clone: Path, pattern: str) -> list[str]:
    """Of the files that match, relative to the clone."""
    return sorted({str(path.parent.relative_to(clone)) for path in clone.glob(pattern)})


async def run(gate: Gate, clone: Path, environment: dict[str, str]) -> Outcome:
    started = perf_counter()
    output, passed = "", True
    for command in gate.commands:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=clone,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        if process.returncode:
            passed = False
            output += printed.decode(errors="replace")
    return Outcome(gate, passed, perf_counter() - started, output)


async def run_all(chosen: Sequence[Gate], clone: Path = CLONE) -> list[Outcome]:
    """Two at a time: more would only take turns on a small machine."""
    environment = node.environment() | {"MYPYPATH": os.pathsep.join(_members(clone)), "NO_COLOR": "1"}
    slots = asyncio.Semaphore(AT_ONCE)

    async def in_turn(gate: Gate) -> Outcome:
        async with slots:
            outcome = await run(gate, clone, environment)
        typer.echo(f"{'✓' if outcome.passed else '✗'} {gate.name:<18}{outcome.seconds:6.1f} s")
        return outcome

    return await asyncio.gather(*(in_turn(gate) for gate in chosen))


def _members(clone: Path) -> list[str]:
    """Where packages are found: every member, so that a new module needs no entry in the type checker's settings."""
    return [*_folders(clone, "*/pyproject.toml"), *_folders(clone, "modules/*/pyproject.toml")]


def report(outcomes: Sequence[Outcome], seconds: float) -> str:
    failed = [outcome for outcome in outcomes if not outcome.passed]
    lines = [f"\n── {outcome.gate.name} ──\n{outcome.output.strip()}\n→ {outcome.gate.repair}" for outcome in failed]
    passed = f"{len(outcomes) - len(failed)} of {len(outcomes)} gates passed in {seconds:.1f} s"
    lines.append(f"\n{passed}" + (f"; failed: {', '.join(outcome.gate.name for outcome in failed)}" if failed else ""))
    return "\n".join(lines)


def main(names: Sequence[str]) -> int:
    known = gates()
    chosen = [gate for gate in known if not names or gate.name in names]
    if unknown := set(names) - {gate.name for gate in known}:
        typer.echo(f"no gate {', '.join(sorted(unknown))}; there are {', '.join(gate.name for gate in known)}")
        return 2
    # Installs the packages when the lock changed; two gates doing it at once would fight over node_modules.
    installed = subprocess.run([sys.executable, "-m", "host.dev.node", "npx", "--version"], cwd=CLONE, check=False)
    if installed.returncode:
        return installed.returncode
    started = perf_counter()
    outcomes = asyncio.run(run_all(chosen))
    typer.echo(report(outcomes, perf_counter() - started))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
