"""``sm`` as it is installed: what a distribution offers as a quick command is answered without the rest."""

import sys
from typing import Any

import pytest

from host import cli, sm

ASKED: list[list[str]] = []


class Point:
    """An entry point of some distribution."""

    def __init__(self, answer: int | None) -> None:
        self._answer = answer

    def load(self) -> Any:
        def quick(arguments: list[str]) -> int | None:
            ASKED.append(arguments)
            return self._answer

        return quick


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled when the whole command line is asked."""
    asked: list[str] = []
    monkeypatch.setattr(cli, "main", lambda: asked.append("whole"))
    ASKED.clear()
    return asked


def call(monkeypatch: pytest.MonkeyPatch, *words: str, offered: dict[str, int | None]) -> None:
    def entry_points(*, group: str, name: str) -> list[Point]:
        assert group == "seamark.quick_commands"
        return [Point(offered[name])] if name in offered else []

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    monkeypatch.setattr(sys, "argv", ["sm", *words])
    sm.main()


@pytest.mark.parametrize("status", [0, 1])
def test_its_answer_is_the_exit_status(status: int, whole: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, "alive", "--name", "one", offered={"alive": status})
    assert ended.value.code == status
    assert ASKED == [["--name", "one"]]
    assert whole == []


@pytest.mark.parametrize("words", [(), ("doctor",), ("alive", "--help"), ("--help",)])
def test_everything_else_is_for_the_whole_command_line(
    words: tuple[str, ...], whole: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call(monkeypatch, *words, offered={"alive": None})
    assert whole == ["whole"]
