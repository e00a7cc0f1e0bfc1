"""A process that owns servers is killed with SIGKILL: nothing of it stays, and the next start works."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from framework.embedded import EmbeddedPostgres, EmbeddedValkey, Leash
from framework.embedded.ending import still_running

OWNER = """
import json, os, psutil, signal, sys
from pathlib import Path
from framework.embedded import EmbeddedPostgres, EmbeddedValkey
servers = [EmbeddedPostgres(Path(sys.argv[1]) / "postgres"), EmbeddedValkey(Path(sys.argv[1]) / "valkey")]
for server in servers:
    server.start()
watchers = [child.pid for child in psutil.Process().children() if child.pid not in [server.pid for server in servers]]
print(json.dumps([[server.pid for server in servers], watchers]), flush=True)
signal.pause()
"""


@contextmanager
def owner(home: Path) -> Iterator[tuple[psutil.Process, list[psutil.Process], list[psutil.Process]]]:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(home)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            servers, watchers = json.loads(process.stdout.readline())
            postgres, valkey = map(psutil.Process, servers)
            yield (
                psutil.Process(process.pid),
                [postgres, *postgres.children(), valkey],
                [*map(psutil.Process, watchers)],
            )
        finally:
            process.kill()


def test_its_servers_end_by_themselves(home: Path) -> None:
    with owner(home) as (process, servers, watchers):
        process.kill()
        assert still_running([*servers, *watchers], 10) == []


def test_the_next_start_ends_what_nobody_watched(home: Path) -> None:
    with owner(home) as (process, servers, watchers):
        for watcher in watchers:
            watcher.kill()
        process.kill()
        still_running([process, *watchers], 10)
        assert still_running(servers, 0) == servers
        with EmbeddedPostgres(home / "postgres") as postgres, EmbeddedValkey(home / "valkey") as valkey:
            assert still_running(servers, 0) == []
            assert postgres.pid != servers[0].pid
            assert valkey.pid != servers[-1].pid


def test_the_next_start_recovers_when_only_parts_of_postgres_are_left(home: Path) -> None:
    with owner(home) as (process, servers, watchers):
        for victim in (*watchers, process):
            victim.kill()
        still_running([process, *watchers], 10)
        servers[0].kill()
        with EmbeddedPostgres(home / "postgres"):
            assert still_running(servers[1:-1], 0) == []
        # Valkey is nobody's now, and nothing starts in its folder that would end it.
        servers[-1].kill()


def test_a_process_that_ignores_its_owners_end_is_forced() -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    leash = Leash(patience=0.1)
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        leash.hold(process.pid)
        leash.close()
        assert process.wait() == -signal.SIGKILL


def test_what_was_released_lives_on() -> None:
    leash = Leash()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        leash.hold(process.pid)
        leash.release(process.pid)
        leash.close()
        process.communicate(b"\n")
        assert process.returncode == 0
