"""``sm dev`` from start to stop, in the order in which it happens."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException

import psutil
from framework.embedded import EmbeddedServerError, Leash
from framework.embedded.lock import FileLock
from framework.embedded.ports import free_port, hold, is_taken, next_free_port

from host.dev import node
from host.dev.banner import Banner, Credentials
from host.dev.console import Console
from host.dev.environment import Debugged, DevError, Workplace
from host.dev.leftovers import MARK, end_leftovers
from host.dev.lifeline import launcher_gone, launchers
from host.dev.programs import HOST, Programs
from host.dev.servers import Servers
from host.dev.supervisor import Supervisor
from host.dev.watch import watch_code

DEFAULT_PORT = 8000
DEBUG_PORT = 5678
FIRST_EMAIL = "admin@example.com"
STILL_WAITING = 20.0


def run(workplace: Workplace, console: Console, debug: Debugged | None) -> None:
    """Blocks until a signal ends it. Raises ``DevError``."""
    workplace.refuse_production()
    configured = workplace.configured()
    workplace.folder.mkdir(exist_ok=True)
    was_killed = workplace.lock.exists()
    lock = take_lock(workplace)
    try:
        if was_killed and end_leftovers(workplace.clone):
            console.say("Ended what was left of the last run, which was killed")
        asyncio.run(Stack(workplace, console, configured, lock, debug).run())
    except* (DevError, EmbeddedServerError) as errors:
        raise DevError("\n".join(dict.fromkeys(map(str, _leaves(errors))))) from errors
    finally:
        lock.release()


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def take_lock(workplace: Workplace) -> FileLock:
    lock = FileLock(workplace.lock)
    if not lock.acquire():
        pid, _, address = workplace.lock.read_text().partition(" ")
        raise DevError(f"Seamark already runs from this folder: {address or 'just starting'}, process {pid}.")
    lock.write(f"{os.getpid()} ")
    return lock


class Stack:
    def __init__(
        self,
        workplace: Workplace,
        console: Console,
        configured: Mapping[str, str],
        lock: FileLock,
        debug: Debugged | None,
    ) -> None:
        self._workplace = workplace
        self._console = console
        self._configured = configured
        self._lock = lock
        self._debug: dict[str, int] = {} if debug is None else {debug: next_free_port(DEBUG_PORT)}
        self._leash = Leash()
        self._servers = Servers(workplace.clone, configured, self._leash)
        self._supervisor = Supervisor(console, self._leash)
        self._held_port = ExitStack()

    async def run(self) -> None:
        lifeline = asyncio.create_task(launcher_gone(launchers()))
        self._end_with(lifeline)
        try:
            port = self._choose_port()
            # Half a minute may pass until Vite listens there, while the browser packages are installed.
            self._held_port = hold(port)
            await self._servers.start(self._console)
            env = self._describe_run(port)
            programs = Programs(
                self._workplace.clone,
                {**os.environ, **env, MARK: str(self._workplace.clone)},
                colourful=self._console.colourful,
                upstream_port=free_port(),
            )
            async with asyncio.TaskGroup() as group:
                for server in self._servers.embedded:
                    group.create_task(self._supervisor.keep_server(server))
                group.create_task(self._serve_browser_code(programs))
                await self._migrate(programs)
                group.create_task(self._supervisor.keep(programs.web(self._debug.get("web"))))
                credentials = await self._first_administrator(programs)
                await self._write_demo(programs)
                await self._until_ready(port)
                # Not earlier: on two cores they would only keep people waiting for the page.
                self._start_background(programs, group)
                self._show_banner(env["SM_PUBLIC_URL"], credentials)
        except asyncio.CancelledError:
            pass
        finally:
            lifeline.cancel()
            self._held_port.close()
            self._workplace.run_env.unlink(missing_ok=True)
            await self._servers.stop()
            self._leash.close()
            self._console.say("Stopped")

    def _end_with(self, lifeline: asyncio.Task[None]) -> None:
        """A signal, or the end of the command that started us, cancels everything in order."""
        task = asyncio.current_task()
        assert task is not None

        def stop(*_: object) -> None:
            # Once: a second Ctrl-C must not cut the tidying short, which ends within seconds anyway.
            if not task.cancelling():
                self._console.after_key_press()
                self._console.say("Stopping")
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        lifeline.add_done_callback(lambda done: None if done.cancelled() else stop())

    def _choose_port(self) -> int:
        configured = self._configured.get("SM_PORT") or str(DEFAULT_PORT)
        if not configured.isdecimal():
            raise DevError(f"SM_PORT is {configured!r}, which is not a port.")
        wanted = int(configured)
        if not is_taken(wanted):
            return wanted
        port = next_free_port(wanted + 1)
        self._console.warn(f"Port {wanted} is taken, using {port} (SM_PORT chooses another)")
        return port

    def _describe_run(self, port: int) -> dict[str, str]:
        """What this run's processes are told; in ``run.env`` for every other command of this clone."""
        vite = f"http://{HOST}:{port}"
        defaults = {
            "SM_ENVIRONMENT": "development",
            "SM_PUBLIC_URL": f"http://localhost:{port}",
            "SM_EXTRA_ORIGINS": f"http://{HOST}:{port}",
            "SM_LOG_FORMAT": "console",
            **({} if "SM_SECRET_KEY_FILE" in self._configured else {"SM_SECRET_KEY": self._workplace.secret_key()}),
        }
        env = {name: self._configured.get(name, value) for name, value in defaults.items()}
        env |= {**self._servers.addresses(), "SM_PORT": str(port), "SM_VITE_URL": vite}
        self._workplace.write_run_env(env)
        self._lock.write(f"{os.getpid()} {env['SM_PUBLIC_URL']}")
        return env

    async def _serve_browser_code(self, programs: Programs) -> None:
        if node.is_outdated(self._workplace.clone):
            self._console.say("Installing the browser packages (npm ci, only when package-lock.json changes) …")
            with self._console.timed("Browser packages installed"):
                if await self._supervisor.run(programs.packages()):
                    raise DevError("npm ci failed; what it said is above.")
            node.mark_installed(self._workplace.clone)
        self._held_port.close()
        await self._supervisor.keep(programs.vite())

    async def _migrate(self, programs: Programs) -> None:
        with self._console.timed("Database migrated"):
            if await self._supervisor.run(programs.command("migrate", "migrate")):
                raise DevError("The database could not be migrated; what `sm migrate` said is above.")

    def _start_background(self, programs: Programs, group: asyncio.TaskGroup) -> None:
        worker_changed, beat_changed = asyncio.Event(), asyncio.Event()
        worker = programs.worker(self._debug.get("worker"))
        group.create_task(self._supervisor.keep(worker, worker_changed))
        group.create_task(self._supervisor.keep(programs.beat(), beat_changed))
        group.create_task(watch_code(self._workplace.clone, (worker_changed, beat_changed)))

    async def _first_administrator(self, programs: Programs) -> Credentials | None:
        if self._configured.keys() >= {"SM_USERS_BOOTSTRAP_EMAIL", "SM_USERS_BOOTSTRAP_PASSWORD"}:
            return None  # the web process makes that one
        if self._servers.has_administrator:
            return None
        email = self._configured.get("SM_USERS_BOOTSTRAP_EMAIL", FIRST_EMAIL)
        command = programs.command("admin", "create-admin", "--if-none", "--email", email, "--print-password")
        status, printed = await self._supervisor.capture(command)
        if status:
            self._console.warn("No administrator was created; what `sm create-admin` said is above.")
            return None
        self._servers.note_administrator()
        return Credentials(*printed.split()) if printed.strip() else None

    async def _write_demo(self, programs: Programs) -> None:
        if self._configured.get("SM_DEMO", "").lower() in ("1", "true", "yes", "on"):
            with self._console.timed("Example data written"):
                if await self._supervisor.run(programs.command("demo", "demo")):
                    self._console.warn("The example data could not be written; what `sm demo` said is above.")

    async def _until_ready(self, port: int) -> None:
        """The application answers through Vite, so everything between browser and database is up."""
        patience = time.monotonic() + STILL_WAITING
        while (trouble := await asyncio.to_thread(_not_ready, port)) is not None:
            if time.monotonic() > patience:
                self._console.warn(f"Still waiting for http://{HOST}:{port}/health/ready: {trouble}")
                patience = time.monotonic() + STILL_WAITING
            await asyncio.sleep(0.1)

    def _show_banner(self, address: str, credentials: Credentials | None) -> None:
        seconds = time.time() - psutil.Process().create_time()
        Banner(address, seconds, credentials, self._servers.log, self._debug).show(self._console)


def _not_ready(port: int) -> str | None:
    connection = HTTPConnection(HOST, port, timeout=3)
    try:
        connection.request("GET", "/health/ready")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    else:
        return None if status == 200 else f"status {status}"
    finally:
        connection.close()
