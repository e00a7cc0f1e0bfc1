"""One private port for all processes of a machine. Each exporter here stands for a process: it has its own slot."""

import http.client
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from framework.embedded.ports import free_port
from framework.metrics.exporter import Exporter, exported
from framework.metrics.slots import folder, slot
from framework.settings import Settings
from prometheus_client.parser import text_string_to_metric_families

type Ask = Callable[..., tuple[int, str]]
PATIENCE = 20.0


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings]) -> Iterator[Settings]:
    # The path of a socket has at most 107 bytes, which tmp_path may take by itself.
    with tempfile.TemporaryDirectory() as short:
        monkeypatch.setenv("TMPDIR", short)
        yield make_settings(metrics_port=free_port())


@pytest.fixture
def ask(settings: Settings) -> Ask:
    """Once somebody holds the port."""

    def ask(method: str = "GET", path: str = "/metrics") -> tuple[int, str]:
        ends_at = time.monotonic() + PATIENCE
        while True:
            assert settings.metrics_port is not None
            connection = http.client.HTTPConnection("127.0.0.1", settings.metrics_port, timeout=PATIENCE)
            try:
                connection.request(method, path)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except OSError:
                assert time.monotonic() < ends_at, "nobody serves metrics"
                time.sleep(0.05)
            finally:
                connection.close()

    return ask


def processes(text: str) -> set[str]:
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {sample.labels["process"] for sample in samples if "process" in sample.labels}


def wait_for(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_all_are_shown_and_when_one_has_ended_another_shows_them(settings: Settings, ask: Ask) -> None:
    with ExitStack() as others:
        with exported(settings, "web"):
            ask()
            others.enter_context(exported(settings, "web"))
            others.enter_context(exported(settings, "worker"))
            wait_for(lambda: processes(ask()[1]) == {"web-1", "web-2", "worker-1"})
        wait_for(lambda: processes(ask()[1]) == {"web-2", "worker-1"})
        assert 'seamark_processes{kind="web"} 1.0' in ask()[1]


def test_nothing_else_is_served(settings: Settings, ask: Ask) -> None:
    with exported(settings, "web"):
        assert [ask(*request)[0] for request in (("GET", "/"), ("POST", "/metrics"), ("GET", "/metrics/x"))] == [
            404,
            405,
            404,
        ]
        assert ask("GET", "/metrics?name=any")[0] == 200


def test_without_a_port_there_is_no_socket(settings: Settings) -> None:
    with exported(settings.model_copy(update={"metrics_port": None}), "web"):
        assert not list(Path(os.environ["TMPDIR"]).iterdir())


def test_one_that_may_not_hold_the_port_is_shown_by_one_that_may(settings: Settings, ask: Ask) -> None:
    with exported(settings, "relay", serves=False):
        with exported(settings, "worker"):
            wait_for(lambda: processes(ask()[1]) == {"relay-1", "worker-1"})
        assert settings.metrics_port is not None
        alone = http.client.HTTPConnection("127.0.0.1", settings.metrics_port)
        with pytest.raises(ConnectionRefusedError):
            alone.connect()


def test_one_that_lives_and_does_not_answer_is_counted(settings: Settings, ask: Ask) -> None:

    assert settings.metrics_port is not None
    with slot(folder(settings.metrics_port), "web") as path, socket.socket(socket.AF_UNIX) as hangs:
        hangs.bind(str(path))
        hangs.listen()
        with exported(settings, "worker"):
            text = ask()[1]
    assert "seamark_processes_silent 1.0" in text
    assert processes(text) == {"worker-1"}


def test_a_folder_that_cannot_be_had_keeps_nobody_from_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    assert settings.metrics_port is not None
    exporter = Exporter(settings, settings.metrics_port, "web")
    exporter.start()
    exporter.stop()
