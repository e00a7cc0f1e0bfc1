from typing import Annotated

import typer

from background_tasks.worker.alive import BEAT, judge


def worker_alive(
    name: Annotated[str, typer.Option("--name", "-n", help="Only the worker that was started with this `-n`.")] = "",
) -> None:
    """Say whether the workers of this user on this machine consume; exit with 1 when one of them does not.

    For liveness probes: it asks a file below TMPDIR, neither Postgres nor the broker, and answers in a twentieth of a second.
    """
    alive, why = judge(name)
    typer.echo(why)
    if not alive:
        raise typer.Exit(1)


def beat_alive() -> None:
    """Say whether the beats of this user on this machine look at their schedules; exit with 1 when one of them does not.

    For liveness probes, as `sm worker-alive` is. A beat that Postgres does not answer is alive: it goes on trying.
    """
    alive, why = judge(kind=BEAT)
    typer.echo(why)
    if not alive:
        raise typer.Exit(1)
