"""One trace from a browser's request over its statements, its task and that one's call, and one story of its id."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from host.testing.service import Service, answer
from host.trial import Trial
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.web import Replicas

TRACE, BROWSER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CANARY = "canary-51fe"


@dataclass(frozen=True)
class Span:
    name: str
    id: str
    parent: str
    trace: str
    service: str
    attributes: dict[str, object]


@dataclass
class Collector:
    """What an OpenTelemetry collector is told by OTLP over HTTP."""

    url: str = ""
    raw: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        return [span for body in list(self.raw) for span in _spans(ExportTraceServiceRequest.FromString(body))]

    def of_trace(self) -> list[Span]:
        return [span for span in self.spans if span.trace == TRACE]


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        service = next(item.value.string_value for item in group.resource.attributes if item.key == "service.name")
        for span in (span for scope in group.scope_spans for span in scope.spans):
            attributes = {item.key: item.value.string_value or item.value.int_value for item in span.attributes}
            ids = (span.span_id.hex(), span.parent_span_id.hex(), span.trace_id.hex())
            yield Span(span.name, *ids, service, attributes)


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.raw.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    yield collector
    server.shutdown()


async def test_a_request_is_followed_to_its_statements_its_task_and_that_ones_call(
    prepared: Trial, faults: Faults, collector: Collector, report: Report
) -> None:
    async with Service(answer()) as service:
        environment = {
            "SM_TRACES_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "SM_OUTGOING_ALLOWED": f"127.0.0.1:{service.port}",
        }
        await faults.worker("traced", environment)
        async with Replicas(prepared, 1, environment) as replicas:
            headers = {"traceparent": f"00-{TRACE}-{BROWSER}-01", "x-correlation-id": "errand-4711"}
            body = {"url": f"http://127.0.0.1:{service.port}/?token={CANARY}"}
            accepted = await replicas.clients[0].post("/api/probe/errands", json=body, headers=headers)
            assert accepted.status_code == 202
            await faults.until(faults.drained)
            await faults.until(lambda: _told(collector, "probe.ask"))
            web_log = prepared.log(replicas.names[0])
    spans = collector.of_trace()
    by_name = {span.name: span for span in spans}
    served, enqueued = by_name["POST /api/probe/errands"], by_name["enqueue probe.ask"]
    ran, called = by_name["probe.ask"], by_name["GET"]
    within = {
        parent.name: [span.name for span in spans if span.parent == parent.id] for parent in (served, enqueued, ran)
    }
    services = ", ".join(sorted({span.service for span in spans}))
    report(f"a browser's trace: {len(spans)} spans of {services}, from {served.name} to the call of its task")

    assert served.parent == BROWSER
    assert served.attributes["http.response.status_code"] == 202
    assert {"seamark-web", "seamark-worker"} == {span.service for span in spans}
    assert within[enqueued.name].count("INSERT") == 1
    assert "COMMIT" in within[served.name]
    assert (enqueued.parent, ran.parent, called.parent) == (served.id, enqueued.id, ran.id)
    assert service.asked[0].headers["traceparent"] == f"00-{TRACE}-{called.id}-01"
    assert {span.attributes["seamark.correlation_id"] for span in spans} == {"errand-4711"}
    # What parameters held is nobody's but the database's.
    assert not any(CANARY.encode() in body for body in collector.raw)

    story = await asyncio.to_thread(
        prepared.run, "-m", "host.cli", "story", "errand-4711", "--logs", str(web_log), "--format", "json"
    )
    told = [(entry["source"].split()[0], entry["what"]) for entry in json.loads(story)]
    report(f"its story: {', '.join(what for _, what in told)}")
    assert told.index(("web", "request")) < told.index(("task", "started")) < told.index(("task", "succeeded"))


async def _told(collector: Collector, name: str) -> bool:
    return any(span.name == name for span in collector.of_trace())
