"""The console script ``sm``: what a probe asks is answered at once, everything else by the whole command line."""

import sys


def main() -> None:
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
