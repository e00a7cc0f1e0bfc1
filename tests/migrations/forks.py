"""Run as a script: imports what `sm migrate` imports, then forks one for every line it reads.

A migrator of its own costs seconds of imports, and these tests need dozens. What is forked here has its own
connections, and begins within milliseconds of the others. A line is `<folder on the path> <database> <output>`; the
answer is the process id. The output ends with `exit <status>`.
"""

import os
import sys

import asyncpg  # noqa: F401 - what SQLAlchemy would import at the first connection
from framework.loader import load_modules
from framework.migrating import runner  # noqa: F401
from host.migrate import migrate_app

load_modules(None)  # as it does to write down who is told of events

# Nobody waits for the children: as zombies they keep their process ids, so a late kill hits nobody else.
for line in sys.stdin:
    site, database, output = line.split()
    child = os.fork()
    if child:
        print(child, flush=True)  # noqa: T201
        continue
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.path.insert(0, site)
    os.environ["SM_DATABASE_URL"] = database
    os.environ.pop("SM_DATABASE_DIRECT_URL", None)
    status: object = "by an exception"
    try:
        migrate_app([])
    except SystemExit as ended:
        status = ended.code or 0
    finally:
        sys.stdout.flush()
        os.write(1, f"exit {status}\n".encode())
        # Taking down an interpreter that was forked costs more than all it did.
        os._exit(0)
