"""How a runner learns that its worker has been told to end."""

from typing import Protocol


class Stopping(Protocol):
    """Whether the worker has been told to end, and until when it may finish what it has begun."""

    def is_set(self) -> bool: ...

    def deadline(self) -> float | None:
        """By ``time.monotonic``; ``None`` while it has not been told."""


class Endless:
    """For a process that nobody tells to end."""

    def is_set(self) -> bool:
        return False

    def deadline(self) -> float | None:
        return None
