"""The buckets that a process keeps for itself: what it does without Redis, and what it remembers for Redis."""

from framework.rate_limits.rule import SECOND

SHARED = ""
"""The bucket of all who find no place of their own."""


class ProcessBuckets:
    """Of one rule. Each is the moment when it will be full again, in microseconds of the clock of Redis.

    At most ``most``; room is made by dropping what is full, which loses nothing. When that does not help, newcomers share
    one bucket: a flood of keys makes it tight for other newcomers, and gives nobody back what they have used up.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._full_at: dict[str, int] = {}
        self._looked_at = 0

    def full_at(self, key: str) -> int:
        """0 when nothing is known of it."""
        return self._full_at.get(key, 0)

    def place(self, key: str, now: int) -> str:
        """Where ``key`` is counted: in its own bucket, or in the shared one."""
        if key in self._full_at or len(self._full_at) < self._most:
            return key
        if abs(now - self._looked_at) >= SECOND:
            # Not more often: a look at all of them takes a millisecond.
            self._looked_at = now
            self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
            if len(self._full_at) < self._most:
                return key
        return SHARED

    def fill(self, place: str, full_at: int) -> None:
        self._full_at[place] = full_at

    def remember(self, key: str, full_at: int, now: int) -> None:
        """What Redis says of ``key``, if there is a place for it."""
        if self.place(key, now) is not SHARED:
            self._full_at[key] = full_at

    def __len__(self) -> int:
        return len(self._full_at)
