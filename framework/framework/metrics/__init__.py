"""What processes count, in the form that Prometheus reads.

A metric is a module-level value of ``prometheus_client`` next to what it counts, and is named ``seamark_…``. Its labels
take few values, all known beforehand: a module, a rule, an outcome, a host that the settings name; never what a client
wrote, because each combination of values is kept for as long as the process lives (Prometheus, "Metric and label naming").

``exporter`` serves those of all processes of a machine at one port; what only Postgres knows is ``PostgresGauges``.
"""

from prometheus_client import REGISTRY, disable_created_metrics
from prometheus_client.exposition import choose_encoder

# When a series began, once more for each of them: twice as many, and nothing here asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]


def exposition(accept: str = "") -> tuple[bytes, str]:
    """All metrics of this process and their media type: OpenMetrics where the header ``Accept`` asks for it, else
    Prometheus' own text format."""
    encode, media_type = choose_encoder(accept)
    return encode(REGISTRY), media_type
