"""``sm web``: uvicorn, set up by the same settings as everything else."""

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

    settings = load(Settings)
    uvicorn.run(
        "host.main:app",
        host=host,
        port=port,
        uds=uds,
        fd=fd,
        workers=workers or settings.web_workers,
        backlog=settings.web_backlog,
        timeout_keep_alive=int(settings.web_keep_alive),
        timeout_graceful_shutdown=int(settings.drain_timeout),
        proxy_headers=True,
        forwarded_allow_ips=list(settings.trusted_proxies),
        log_level="warning",
        access_log=False,
        server_header=False,
    )
