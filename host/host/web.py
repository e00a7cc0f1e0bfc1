"""``sm web``: uvicorn, set up by the same settings as everything else."""

import signal
import socket
import sys
from math import ceil
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer


def web(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.")] = 8000,
    uds: Annotated[str | None, typer.Option(help="Listen at this Unix socket instead.")] = None,
    fd: Annotated[
        int | None, typer.Option(help="Listen at this open socket instead, as process managers hand it over.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. [default: SM_WEB_WORKERS]")] = None,
) -> None:
    """Serve the application as in production: uvicorn with the times, limits and trusted proxies of the settings.

    SIGTERM drains (SM_DRAIN_DELAY, SM_DRAIN_TIMEOUT). With several workers SIGHUP replaces them one by one, and SIGTTIN
    and SIGTTOU make one more or one less.
    """
    import uvicorn  # noqa: PLC0415 - other commands need none of it
    from framework.settings import Settings, load  # noqa: PLC0415
    from uvicorn.config import STARTUP_FAILURE  # noqa: PLC0415

    from host.web_workers import Workers  # noqa: PLC0415

    settings = load(Settings)
    if fd is not None:
        _send_at_once(fd)
    config = uvicorn.Config(
        "host.main:app",
        host=host,
        port=port,
        uds=uds,
        fd=fd,
        http="host.protocol:Protocol",
        workers=workers or settings.web_workers,
        backlog=settings.web_backlog,
        timeout_keep_alive=ceil(settings.web_keep_alive),
        timeout_graceful_shutdown=ceil(settings.drain_timeout),
        proxy_headers=True,
        forwarded_allow_ips=list(settings.trusted_proxies),
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    try:
        if config.workers > 1:
            parent = Workers(config, [config.bind_socket()])
            parent.run()
            served = parent.served
        else:
            config.load_app()
            # uvicorn raises the signal again when it has ended by it; a process that drained ended well.
            signal.signal(signal.SIGTERM, _end_well)
            server = uvicorn.Server(config)
            server.run()
            served = server.started
    except KeyboardInterrupt:
        return
    finally:
        if uds is not None:
            Path(uds).unlink(missing_ok=True)
    if not served:
        sys.exit(STARTUP_FAILURE)


def _end_well(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _send_at_once(fd: int) -> None:
    """Connections inherit it. uvicorn takes any socket that it is given for a Unix socket and leaves this out; then an
    answer in several parts waits for the client's delayed acknowledgement: 45 ms each instead of 0.1 (Nagle, RFC 9293, 3.7.4).
    """
    with socket.socket(fileno=socket.dup(fd)) as listening:
        if listening.family != socket.AF_UNIX:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
