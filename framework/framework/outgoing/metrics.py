"""What is counted of calls to other services."""

from prometheus_client import Counter, Histogram

CALLS = Counter(
    "seamark_outgoing_calls", "Requests sent to other services, retries and redirects included", ["host", "outcome"]
)
RETRIES = Counter("seamark_outgoing_retries", "Calls to other services that were repeated", ["host"])
SECONDS = Histogram(
    "seamark_outgoing_seconds",
    "How long requests to other services took, until the answer was there or missed",
    ["host"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
