"""``sm backup``, ``sm restore`` and ``sm dr-drill``."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framework.findings import BootError

from host.backup import BackupError

if TYPE_CHECKING:
    from host.backup.settings import BackupSettings, Installation

backup_app = typer.Typer(
    no_args_is_help=True,
    help="Back up Postgres, which holds everything: base backups, and the WAL after them as it is written.",
)
# What these need is imported inside: `sm --help` and `sm dev` need none of it.


@backup_app.command()
def base(
    keep: Annotated[int | None, typer.Option(min=1, help="Then remove older ones. Unset: SM_BACKUP_KEEP.")] = None,
) -> None:
    """Take a base backup of the running server, and remove those beyond SM_BACKUP_KEEP with the WAL that only they needed."""
    with _explained():
        from host.backup.base import take  # noqa: PLC0415

        settings, installation = _settings()
        take(settings, installation)
        _prune(settings, keep)


@backup_app.command()
def wal() -> None:
    """Receive WAL as it is written, until it is told to end. A service: it must always run."""
    with _explained():
        from host.backup.receiver import receive  # noqa: PLC0415

        receive(*_settings())


@backup_app.command(name="list")
def list_() -> None:
    """List base backups: when each was taken, its size, and from when until when it can bring the data back."""
    with _explained():
        from host.backup.listing import show  # noqa: PLC0415

        show(_settings()[0])


@backup_app.command()
def verify(id_: Annotated[str | None, typer.Argument(metavar="BACKUP", help="Only this one.")] = None) -> None:
    """Read backups back: every file by its checksum, and the WAL after them for gaps. Exit with 1 when something is wrong."""
    with _explained():
        from host.backup.progress import say  # noqa: PLC0415
        from host.backup.verifying import problems  # noqa: PLC0415

        found = list(problems(_settings()[0], id_))
        for problem in found:
            say(f"✗ {problem}")
        if found:
            raise typer.Exit(1)
        say("✓ All of it can be read back")


@backup_app.command()
def status(
    max_age: Annotated[str, typer.Option(help="Of the newest good base backup: 26h, 90m, 7d.")] = "26h",
    max_wal_age: Annotated[
        str, typer.Option(help="Of the last commit that is in the target, while WAL comes.")
    ] = "10m",
) -> None:
    """Say whether there are backups and how old; exit with 1 when one is missing or too old. For monitors; reads nothing back."""
    with _explained():
        from host.backup import status as of  # noqa: PLC0415
        from host.backup.progress import say  # noqa: PLC0415
        from host.backup.target import target_of  # noqa: PLC0415

        ages = of.age("--max-age", max_age), of.age("--max-wal-age", max_wal_age)
        found = list(of.problems(target_of(_settings()[0].target), *ages))
        for problem in found:
            say(f"✗ {problem}")
        if found:
            raise typer.Exit(1)
        say(f"✓ A base backup of the last {max_age}, and WAL of the last {max_wal_age}")


@backup_app.command()
def prune(
    keep: Annotated[int | None, typer.Option(min=1, help="Base backups to keep. Unset: SM_BACKUP_KEEP.")] = None,
) -> None:
    """Remove base backups beyond the newest, and the WAL that only they needed; never the last good one."""
    with _explained():
        _prune(_settings()[0], keep)


def restore(
    to: Annotated[Path, typer.Option(help="The data folder to write: empty, or not there yet.")],
    time: Annotated[
        str | None, typer.Option(help="The moment to go back to, with its zone: 2026-05-01T12:30:00Z.")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="All that was received (the default).")] = False,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="BACKUP", help="Begin with this base backup. Unset: the newest that fits."),
    ] = None,
    owner: Annotated[str | None, typer.Option(help="The user to own the folder; as root only.")] = None,
) -> None:
    """Write a data folder on which Postgres starts and goes to the chosen moment; touches no running server."""
    with _explained():
        from host.backup import restoring  # noqa: PLC0415

        if time and latest:
            raise BackupError("--time and --latest exclude each other")
        settings, installation = _settings()
        until = moment(time) if time else None
        restored = restoring.restore(settings, installation, to.absolute(), until=until, id_=from_, owner=owner)
        typer.echo(restoring.steps(restored))


def dr_drill(
    seconds: Annotated[float, typer.Option(min=1, help="How long to write before the disaster.")] = 20,
    target: Annotated[
        str | None, typer.Option(help="A folder or s3://bucket/prefix that is empty. Unset: a folder of its own.")
    ] = None,
) -> None:
    """Destroy a throw-away installation under load and restore it, to the end and to a moment; exit with 1 where something is lost.

    For developers: takes the embedded servers. Prints how much was lost (RPO) and how long it took (RTO).
    """
    with _explained():
        import asyncio  # noqa: PLC0415

        from host.backup.drill import drill  # noqa: PLC0415

        if asyncio.run(drill(seconds, target)).broken:
            raise typer.Exit(1)


def moment(text: str) -> datetime:
    """Raises ``BackupError``."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BackupError(f"--time {text} is no moment: write it as 2026-05-01T12:30:00Z") from None
    if at.tzinfo is None:
        raise BackupError(f"--time {text} has no zone: {text}Z is UTC, {text}+02:00 two hours east of it")
    if at > datetime.now(UTC):
        raise BackupError(f"--time {text} is in the future")
    return at


def _prune(settings: "BackupSettings", keep: int | None) -> None:
    from host.backup import catalogue  # noqa: PLC0415
    from host.backup.progress import say  # noqa: PLC0415
    from host.backup.target import target_of  # noqa: PLC0415

    gone, segments = catalogue.prune(catalogue.look(target_of(settings.target)), keep or settings.keep)
    if gone or segments:
        say(f"Removed {', '.join(base.id for base in gone) or 'no base backup'} and {segments} segments of WAL")


def _settings() -> "tuple[BackupSettings, Installation]":
    from framework.settings import load  # noqa: PLC0415

    from host.backup.settings import BackupSettings, Installation  # noqa: PLC0415

    return load(BackupSettings), load(Installation)


@contextmanager
def _explained() -> Iterator[None]:
    """What cannot be done as asked ends the command with its message and status 2."""
    try:
        yield
    except (BackupError, BootError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from None
