"""Everything ``sm dev`` prints: one stream, each line with the process it is from."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

WIDTH = 8
OWN_NAME = "seamark"
CYAN, GREEN, YELLOW, RED, BLUE, MAGENTA, GREY, BOLD = "36", "32", "33", "31", "34", "35", "90", "1"
COLOURS = {OWN_NAME: BOLD, "web": CYAN, "worker": GREEN, "beat": YELLOW, "vite": MAGENTA}


class Console:
    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self.colourful = stream.isatty() and not os.environ.get("NO_COLOR")

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colourful else text

    def line(self, name: str, text: str) -> None:
        self.raw(f"{self.paint(f'{name:<{WIDTH}}', COLOURS.get(name, BLUE))} {self.paint('│', GREY)} {text}")

    def say(self, text: str) -> None:
        self.line(OWN_NAME, text)

    def warn(self, text: str) -> None:
        self.line(OWN_NAME, self.paint(text, YELLOW))

    def after_key_press(self) -> None:
        """The terminal has shown `^C`: begin a new line."""
        if self.colourful:
            self.raw()

    def raw(self, text: str = "") -> None:
        # A terminal that was closed must not keep anybody from ending in good order.
        with suppress(OSError):
            print(text, file=self._stream, flush=True)

    @contextmanager
    def timed(self, done: str) -> Iterator[None]:
        """Says ``done`` and how long it took, when it did not fail."""
        began = time.monotonic()
        yield
        self.say(f"{done} in {time.monotonic() - began:.1f} s")
