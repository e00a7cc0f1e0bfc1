"""What a worker's parent tells all its children at once: that they are to end, and by when."""

import mmap
from time import monotonic


class Stopping:
    """In memory that is shared by fork: made before the children are, set by their parent, looked at between two steps."""

    def __init__(self) -> None:
        # One aligned number, so nobody ever sees half of it; 0 until it is set. A machine's processes share that clock.
        self._deadline = memoryview(mmap.mmap(-1, 8)).cast("d")

    def begin(self, grace_seconds: float) -> None:
        """Only the first call counts."""
        if not self.is_set():
            self._deadline[0] = monotonic() + grace_seconds

    def is_set(self) -> bool:
        return self._deadline[0] != 0

    def deadline(self) -> float | None:
        """Until then a task may finish what it has begun, by ``time.monotonic``; ``None`` while nobody has to end."""
        return self._deadline[0] or None
