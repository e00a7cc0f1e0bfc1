"""The console script ``sm``: what a probe asks is answered at once, everything else by the whole command line."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    if os.getpid() == 1:
        # The kernel spares the first process of a container the default action: it could not be ended while it boots.
        signal.signal(signal.SIGTERM, _end_at_once)
    answer = _quick_answer(sys.argv[1:])
    if answer is not None:
        raise SystemExit(answer)
    from host import cli  # noqa: PLC0415 - it and what it imports take half a second, which a probe must not

    cli.main()


def _quick_answer(words: list[str]) -> int | None:
    """The exit status of a command that a distribution offers as a quick one, by an entry point of its name."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - so that `sm` itself costs nothing to import

    if not words:
        return None
    for point in entry_points(group="seamark.quick_commands", name=words[0]):
        answer: int | None = point.load()(words[1:])
        return answer
    return None


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)
