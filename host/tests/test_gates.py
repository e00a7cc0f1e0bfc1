"""``make check`` goes on after a failure and shows everything at the end."""

import os
import sys
from pathlib import Path

from host.gates import Gate, gates, report, run_all

PASSES = (sys.executable, "-c", "print('fine')")
FAILS = (sys.executable, "-c", "print('this is wrong'); raise SystemExit(1)")


async def test_all_gates_run_and_every_failure_is_reported(tmp_path: Path) -> None:
    chosen = [
        Gate("first", "mend the first", (FAILS,)),
        Gate("second", "mend the second", (PASSES,)),
        Gate("third", "mend the third", (FAILS,)),
    ]
    outcomes = await run_all(chosen, tmp_path)
    assert [outcome.passed for outcome in outcomes] == [False, True, False]
    text = report(outcomes, seconds=1.0)
    assert text.count("this is wrong") == 2
    assert "mend the third" in text
    assert "mend the second" not in text
    assert "1 of 3 gates passed in 1.0 s; failed: first, third" in text


async def test_a_gate_runs_all_of_its_commands(tmp_path: Path) -> None:
    (outcome,) = await run_all([Gate("both", "mend", (FAILS, FAILS))], tmp_path)
    assert outcome.output.count("this is wrong") == 2


async def test_what_passes_says_nothing(tmp_path: Path) -> None:
    outcomes = await run_all([Gate("quiet", "mend", (PASSES,))], tmp_path)
    assert "fine" not in report(outcomes, seconds=1.0)


async def test_the_type_checker_finds_every_member(tmp_path: Path) -> None:
    (tmp_path / "modules/notes").mkdir(parents=True)
    (tmp_path / "modules/notes/pyproject.toml").touch()
    shows = (sys.executable, "-c", "import os; print(os.environ['MYPYPATH']); raise SystemExit(1)")
    (outcome,) = await run_all([Gate("types", "mend", (shows,))], tmp_path)
    assert f"modules{os.sep}notes" in outcome.output


def test_a_new_module_is_checked_without_being_listed(tmp_path: Path) -> None:
    for path in ("modules/notes/notes/module.py", "modules/notes/tests/test_notes.py"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    (types,) = (gate for gate in gates(tmp_path) if gate.name == "types")
    checked = {argument for command in types.commands for argument in command}
    assert {"modules/notes/notes", "modules/notes/tests"} <= checked
