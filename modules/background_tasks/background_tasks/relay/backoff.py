"""How long a relay waits for what did not answer. Not for tasks, whose policy is their own."""

LONGEST = 3.0


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row. Without jitter: there are few relays, and their failures come apart."""
    return float(min(0.1 * 2 ** min(failures, 10), LONGEST))
