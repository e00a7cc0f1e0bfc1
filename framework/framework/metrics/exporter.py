"""Metrics of all processes of a machine at one private port, whatever started the processes.

Each process has a slot, and says there what it has counted. Whoever holds the port asks all of them; when that process
ends another one takes the port. In a thread with a loop of its own, so that a loop which hangs is seen and not silent.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from framework.metrics import exposition, slots
from framework.metrics.build import show_build
from framework.metrics.merge import MEDIA_TYPE, merge
from framework.metrics.postgres import PostgresFigures, PostgresGauges
from framework.settings import Settings

log = structlog.get_logger()
PATIENCE = 2.0
"""Seconds in which a process has said what it counted, or is left out; and in which Prometheus has said what it wants."""
AGAIN = 1.0
LONGEST_STOP = 1.0
LEADER = "port.lock"
ANSWERED = "seamark_processes", "Processes that said what they counted."
SILENT = "seamark_processes_silent", "Processes that live and did not say in time what they counted."


@contextmanager
def exported(
    settings: Settings, kind: str, gauges: Sequence[PostgresGauges] = (), *, serves: bool = True
) -> Iterator[None]:
    """Show this process's metrics at ``SM_METRICS_PORT``, if it is set, for the length of the block.

    ``kind`` is ``web``, ``worker``, …: part of the label ``process``. ``serves``: whether it may hold the port.
    """
    show_build(settings)
    if settings.metrics_port is None:
        yield
        return
    exporter = Exporter(settings, settings.metrics_port, kind, gauges, serves=serves)
    exporter.start()
    try:
        yield
    finally:
        exporter.stop()


class Exporter:
    def __init__(
        self, settings: Settings, port: int, kind: str, gauges: Sequence[PostgresGauges] = (), *, serves: bool = True
    ) -> None:
        self._host, self._port = settings.metrics_host, port
        self._kind = kind
        self._serves = serves
        self._figures = PostgresFigures(settings, gauges)
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        # Not waited for by a process that ends without stopping it.
        self._thread = Thread(target=self._main, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(LONGEST_STOP)

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._run())
            except OSError as error:
                log.error("this process's metrics are not served", port=self._port, error=repr(error))

    async def _run(self) -> None:
        place = slots.folder(self._port)
        with slots.slot(place, self._kind) as socket:
            async with await asyncio.start_unix_server(_say, socket):
                leading = asyncio.create_task(self._lead(place)) if self._serves else None
                await self._stopped.wait()
                if leading is not None:
                    leading.cancel()
                    await asyncio.wait([leading])

    async def _lead(self, place: Path) -> None:
        while (held := slots.lock(place / LEADER)) is None:  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(AGAIN)
        try:
            complained = False
            while True:
                try:
                    server = await asyncio.start_server(self._answer, self._host, self._port)
                    break
                except OSError as error:
                    if not complained:
                        log.warning("no metrics at SM_METRICS_PORT yet", port=self._port, error=repr(error))
                    complained = True
                    await asyncio.sleep(AGAIN)
            async with server:
                await server.serve_forever()
        finally:
            os.close(held)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.partition(b" ")
            path = rest.partition(b" ")[0].partition(b"?")[0]
            if method != b"GET" or path != b"/metrics":
                status, body = "405 Method Not Allowed" if path == b"/metrics" else "404 Not Found", b"GET /metrics\n"
            else:
                status, body = "200 OK", (await self.text(slots.folder(self._port))).encode()
            fields = f"HTTP/1.1 {status}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            async with asyncio.timeout(PATIENCE):
                writer.write(f"{fields}Allow: GET\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()

    async def text(self, place: Path) -> str:
        """What all processes with a slot in ``place`` have counted, and what Postgres knows."""
        sockets = slots.sockets(place)
        said, figures = await asyncio.gather(asyncio.gather(*map(_hear, sockets)), self._figures.families())
        texts = {path.stem: text for path, text in zip(sockets, said, strict=True) if text}
        silent = sum(text is None for text in said)
        texts[""] = _written([*figures, *_processes(texts, silent)])
        return merge(texts)


class _Collected(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


def _written(families: Sequence[Metric]) -> str:
    registry = CollectorRegistry()
    registry.register(_Collected(families))
    return generate_latest(registry).decode()


def _processes(names: Iterable[str], silent: int) -> Iterator[Metric]:
    answered = GaugeMetricFamily(*ANSWERED, labels=["kind"])
    for kind, count in Counter(name.rpartition("-")[0] for name in names).items():
        answered.add_metric([kind], count)
    yield answered
    yield GaugeMetricFamily(*SILENT, silent)


async def _say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.write(exposition()[0])
        await writer.drain()
    writer.close()


async def _hear(socket: Path) -> str | None:
    """``""`` of one that has ended, ``None`` of one that does not answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                return (await reader.read()).decode()
            finally:
                writer.close()
    except TimeoutError:
        return None
    except OSError:
        return ""
