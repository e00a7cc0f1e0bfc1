"""Twenty migrators at once, with an index that is built concurrently (a blocking lock would hang them all)."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from tests.migrations.conftest import InstalledModule

MIGRATORS = 20
# Forked after the imports, so that all begin within a millisecond; each is `sm migrate`, with connections of its own.
TOGETHER = f"""
import os, sys
import asyncpg  # what a connection imports first
from framework.migrating import runner
from host.migrate import migrate_app

start, started = os.pipe()
children = []
for number in range({MIGRATORS}):
    child = os.fork()
    if child == 0:
        os.close(started)
        os.read(start, 1)
        output = os.open(f"{{sys.argv[1]}}/{{number}}", os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        try:
            migrate_app([])
        except SystemExit as ended:
            sys.stdout.flush()
            # Taking down an interpreter that was forked costs more than all it did.
            os._exit(ended.code or 0)
    children.append(child)
os.close(started)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


async def test_one_of_twenty_migrators_applies_and_the_others_wait(
    root: Path, tmp_path: Path, empty_database: str, module: "InstalledModule"
) -> None:
    module.creates_its_table()
    indexing = module.indexes_it()
    last = module.adds_a_column()

    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", TOGETHER, str(tmp_path)],
        cwd=root,
        env={**os.environ, "SM_DATABASE_URL": empty_database},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    said = [(tmp_path / str(number)).read_text() for number in range(MIGRATORS)]
    assert done.returncode == 0, done.stderr + "\n".join(said)
    applied = [text for text in said if f"✓ {last}" in text]
    assert len(applied) == 1
    assert f"✓ {indexing}" in applied[0]
    idle = [text for text in said if "✓ The database has every revision" in text]
    assert len(idle) == MIGRATORS - 1
    assert sum("Waiting for another migrator" in text for text in idle) > MIGRATORS // 2
    connection = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass"
    assert await connection.fetchval(valid, f"{module.name}.thing_name_ix")
    await connection.close()
