"""``python -m host.boundaries``: prints what crosses a boundary, and exits with 1 if anything does."""

import sys

import typer
from framework.findings import BootError
from framework.loader import load_modules

from host.boundaries import findings
from host.boundaries.exceptions import Exceptions
from host.dev.environment import CLONE


def main() -> int:
    try:
        found = list(findings(CLONE, load_modules(None), Exceptions()))
    except BootError as error:
        found = error.findings
    for finding in found:
        typer.echo(str(finding))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
