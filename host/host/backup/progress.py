"""How far it is, for people: a bar on a terminal, a line now and then elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

EVERY = 10.0
console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def say(words: str) -> None:
    console.print(words)


@contextmanager
def moving(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """``with moving("base.tar.gz", bytes) as moved: moved(some)``."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bars:
            task = bars.add_task(what, total=total)
            yield lambda some: bars.advance(task, some)
        return
    done, said = 0, monotonic()

    def moved(some: int) -> None:
        nonlocal done, said
        done += some
        if monotonic() - said > EVERY:
            said = monotonic()
            say(f"{what}: {megabytes(done)} of {megabytes(total)}")

    yield moved


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
