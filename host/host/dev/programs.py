"""The programs of a running stack and what each of them is told."""

import sys
from collections.abc import Mapping
from pathlib import Path

from host.dev import node
from host.dev.supervisor import Program
from host.dev.watch import SOURCES

HOST = "127.0.0.1"
# Celery objects to root at length; whoever develops as root has chosen so.
CALM = ("-W", "ignore:You're running the worker with superuser privileges")


class Programs:
    """``env`` is what all of them get; the addresses of this run are in it."""

    def __init__(self, clone: Path, env: Mapping[str, str], *, colourful: bool, upstream_port: int) -> None:
        self._clone = clone
        self._env = {**env, "PYTHONUNBUFFERED": "1", **({"FORCE_COLOR": "1"} if colourful else {})}
        self._colourful = colourful
        self._upstream_port = upstream_port

    def web(self, debug_port: int | None) -> Program:
        reload = ["--reload", *(argument for source in SOURCES for argument in ("--reload-dir", source))]
        return self._python(
            "web",
            *_debugger(debug_port),
            *("-m", "uvicorn", "host.main:app", "--host", HOST, "--port", str(self._upstream_port)),
            # An open event stream must not hold up a reload.
            *("--timeout-graceful-shutdown", "1"),
            # Below that it tells of its private port, which is nobody's address.
            *("--log-level", "warning", "--use-colors" if self._colourful else "--no-use-colors"),
            # A reloader would run the code in a process that the debugger is not attached to.
            *(() if debug_port else reload),
        )

    def worker(self, debug_port: int | None) -> Program:
        # One child, so that a breakpoint is always in the same process.
        concurrency = ("--concurrency", "1") if debug_port else ()
        return self._python("worker", *CALM, *_debugger(debug_port), *_celery("worker"), *concurrency)

    def beat(self) -> Program:
        # The slots it has enqueued are in the database; Celery's own file says nothing that matters.
        return self._python("beat", *_celery("beat"))

    def vite(self) -> Program:
        env = node.environment({**self._env, "SM_DEV_UPSTREAM": f"http://{HOST}:{self._upstream_port}"}, self._clone)
        vite = self._clone / "node_modules/vite/bin/vite.js"
        return Program("vite", [node.program("node", env), str(vite)], env, self._clone / "host/client_app")

    def packages(self) -> Program:
        env = node.environment(self._env, self._clone)
        return Program("npm", [node.program(node.INSTALL[0], env), *node.INSTALL[1:]], env, self._clone)

    def command(self, name: str, *arguments: str) -> Program:
        """A ``sm`` command."""
        return self._python(name, "-m", "host.cli", *arguments)

    def _python(self, name: str, *arguments: str) -> Program:
        return Program(name, [sys.executable, *arguments], self._env, self._clone)


def _celery(command: str) -> tuple[str, ...]:
    return ("-m", "celery", "--quiet", "-A", "background_tasks.celery_app", command, "-l", "info")


def _debugger(port: int | None) -> tuple[str, ...]:
    return () if port is None else ("-Xfrozen_modules=off", "-m", "debugpy", "--listen", f"{HOST}:{port}")
