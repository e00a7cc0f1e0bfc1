"""What `sm story` makes of log lines."""

import re
from datetime import UTC, datetime

import orjson
import pytest
from host.dev.environment import CLONE
from host.story import Entry, in_log, story, without_twins

ID = "0123456789abcdef"


def line(**fields: object) -> bytes:
    told = {"timestamp": "2026-11-21T10:00:00.5Z", "correlation_id": ID, "event": "request", "level": "info"}
    return orjson.dumps(told | fields) + b"\n"


def test_only_lines_of_the_id_are_told() -> None:
    # In the text of another one it may stand, too.
    lines = [line(), line(correlation_id="another-id"), line(correlation_id="another-id", path=f"/x/{ID}")]

    (entry,) = in_log(lines, ID)

    assert entry.at == datetime(2026, 11, 21, 10, 0, 0, 500_000, UTC)
    assert (entry.source, entry.what, entry.details) == ("log", "request", {})


@pytest.mark.parametrize(
    ("prefix", "source"),
    [(b"", "web"), (b"web-1  | ", "web-1"), (b"[pod/web-5d/web] ", "pod/web-5d/web"), (b"12:00:01 ", "12:00:01")],
)
def test_what_a_collector_writes_before_a_line_names_its_source(prefix: bytes, source: str) -> None:
    (entry,) = in_log([prefix + line(process="web", status=500, user=None)], ID)

    assert entry.source == source
    assert entry.details == {"status": 500}


def test_the_level_is_told_where_it_is_not_the_usual_one() -> None:
    (entry,) = in_log([line(level="error", error="x")], ID)

    assert entry.details == {"level": "error", "error": "x"}


@pytest.mark.parametrize(
    "broken", [ID.encode(), b"{" + ID.encode(), line(timestamp="soon"), line(timestamp=7), b"[" + line()[:-1] + b"]"]
)
def test_what_is_no_log_line_is_passed_over(broken: bytes) -> None:
    assert [entry.what for entry in in_log([broken, line(event="next")], ID)] == ["next"]


def test_a_line_that_the_tables_have_is_told_once() -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    logged, kept = Entry(at, "worker", "said", {}), Entry(at, "task x", "said", {})

    assert without_twins([logged, Entry(at, "worker", "other", {})], [kept]) == [Entry(at, "worker", "other", {})]


@pytest.mark.parametrize("text", [str(story.__doc__), (CLONE / "docs/tracing.md").read_text()], ids=["help", "guide"])
def test_the_command_for_a_cluster_asks_for_a_label_that_the_pods_have(text: str) -> None:
    (label,) = re.findall(r"kubectl logs -l (\S+)", text)
    assert label.replace("=", ": ") in (CLONE / "deploy/kubernetes/pod/pod.yaml").read_text()
