"""gunicorn by the same settings as ``sm web``: ``gunicorn -c deploy/gunicorn/gunicorn.conf.py host.main:app``.

With uvicorn's protocols (``Worker`` below), or with gunicorn's own: ``-k asgi``.
"""

import random
import signal
import sys
from typing import Any, ClassVar

import uvicorn
from framework.findings import BootError
from framework.settings import Settings, load
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gasgi import ASGIWorker
from uvicorn_worker import UvicornWorker

try:
    settings = load(Settings)
except BootError as error:
    # A list of what to mend; the traceback would bury it.
    raise SystemExit(str(error)) from None

# Yours: where to listen (`unix:/run/seamark/web.sock`), and whether processes are replaced.
bind = "127.0.0.1:8000"
RECYCLE_AFTER = 0
"""Requests after which a worker of ``Worker`` drains and is replaced, at up to twice as many by chance; 0: never.

Off, because it hides a leak and costs a start each time. ``max_requests`` stays 0 in any case, for it ends a worker
without a drain: of 2000 requests that lost 13, or 1 with ``-k asgi``, and this none (README.md beside this file).
"""

# SM_WEB_WORKERS, SM_WEB_BACKLOG, SM_WEB_KEEP_ALIVE, SM_TRUSTED_PROXIES, SM_LOG_LEVEL
workers = settings.web_workers
backlog = settings.web_backlog
keepalive = int(settings.web_keep_alive)
forwarded_allow_ips = ",".join(settings.trusted_proxies)
loglevel = settings.log_level
accesslog = None  # The application writes one, with more in it.

# A process drains for SM_DRAIN_DELAY + SM_DRAIN_TIMEOUT and needs up to 5 s for the end of its lifespans; 2 s to be sure.
# Whoever stops gunicorn waits longer than this: 60 s.
graceful_timeout = int(settings.drain_delay + settings.drain_timeout) + 7
# No limit for a request, but the silence after which a worker is killed: one whose event loop hangs. It is silent while
# it finishes its last requests, too, so less than that would kill it in the middle of them. SM_REQUEST_DEADLINE ends requests.
timeout = graceful_timeout
max_requests = 0
# Its sign of life is the time of a file. On a disk, writing that may block.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - only gunicorn opens it
# SIGHUP, SIGTTIN and SIGTTOU do what it is for, and it would be a file in the home folder.
control_socket_disable = True


class Server(uvicorn.Server):
    """Ends by a drain where uvicorn's limit would end it at once."""

    quota = RECYCLE_AFTER + random.randrange(RECYCLE_AFTER) if RECYCLE_AFTER else sys.maxsize  # noqa: S311

    async def on_tick(self, counter: int) -> bool:
        if self.server_state.total_requests >= self.quota:
            self.quota = sys.maxsize
            signal.raise_signal(signal.SIGTERM)
        return await super().on_tick(counter)


class Worker(UvicornWorker):
    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "http": "host.protocol:Protocol",
        "timeout_graceful_shutdown": int(settings.drain_timeout),
        "timeout_notify": 1,
        "server_header": False,
        "access_log": False,
    }

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = Server(self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


worker_class = Worker


def post_worker_init(worker: Any) -> None:
    """gunicorn's own worker is told of SIGTERM by the event loop, where the application cannot come in between."""
    if isinstance(worker, ASGIWorker):
        drain = worker.asgi.state.application.drain
        worker.loop.add_signal_handler(signal.SIGTERM, drain.begin, worker.handle_exit_signal)
        # The worker counts from the end of the delay, the parent from its beginning.
        worker.cfg.set("graceful_timeout", int(settings.drain_timeout))


def forget_framework(_: Any) -> None:
    """So that the workers that SIGHUP starts read the new files, and not what this process read for the settings above."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "framework"]:
        del sys.modules[name]


on_starting = on_reload = forget_framework
