"""Several processes' metrics become one text that Prometheus reads."""

from framework.metrics.merge import merge
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

AWKWARD = 'a "quoted" {brace} \\ and\na line, process="web-9"'


def told(count: int, seconds: float) -> str:
    registry = CollectorRegistry()
    Counter("asked", "Questions", ["by"], registry=registry).labels(AWKWARD).inc(count)
    Histogram("took", "Seconds", buckets=(1,), registry=registry).observe(seconds)
    Gauge("plain", "Without labels", registry=registry).set(count)
    return generate_latest(registry).decode()


def samples(text: str) -> dict[str, list[Sample]]:
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def test_each_series_says_whose_it_is_and_is_otherwise_as_it_was() -> None:
    merged = samples(merge({"web-1": told(3, 0.5), "web-2": told(4, 2)}))
    assert [sample.labels for sample in merged["asked"]] == [
        {"process": "web-1", "by": AWKWARD},
        {"process": "web-2", "by": AWKWARD},
    ]
    assert [(sample.labels["process"], sample.value) for sample in merged["plain"]] == [("web-1", 3.0), ("web-2", 4.0)]
    assert {(s.name, s.labels.get("le"), s.labels["process"]): s.value for s in merged["took"]} == {
        ("took_bucket", "1.0", "web-1"): 1.0,
        ("took_bucket", "+Inf", "web-1"): 1.0,
        ("took_count", None, "web-1"): 1.0,
        ("took_sum", None, "web-1"): 0.5,
        ("took_bucket", "1.0", "web-2"): 0.0,
        ("took_bucket", "+Inf", "web-2"): 1.0,
        ("took_count", None, "web-2"): 1.0,
        ("took_sum", None, "web-2"): 2.0,
    }


def test_a_family_is_described_once() -> None:
    text = merge({"web-1": told(1, 1), "web-2": told(1, 1)})
    assert text.count("# HELP asked_total ") == text.count("# TYPE asked_total ") == 1


def test_what_is_of_no_process_has_no_such_label() -> None:
    assert (
        samples(merge({"": "# HELP workers Workers\n# TYPE workers gauge\nworkers 2.0\n"}))["workers"][0].labels == {}
    )
