"""One line a call, in one form, from us and from libraries, each with an id: run as processes, as servers run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from framework.logging import to_json
from hypothesis import given, settings
from hypothesis import strategies as st

PROLOGUE = """
import logging, sys, threading
import structlog
from framework.correlation import bound
from framework.logging import configure
log = structlog.get_logger()
"""


def run(script: str, *, configured: str = 'configure("json", "info", "web")') -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{PROLOGUE}\n{configured}\n{script}"], capture_output=True, text=True, check=True
    )


def lines(script: str, **kwargs: Any) -> list[dict[str, Any]]:
    done = run(script, **kwargs)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


LEAVES = st.none() | st.integers() | st.floats() | st.binary() | st.text(st.characters())
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner), max_leaves=4
)


@settings(max_examples=100)
@given(st.dictionaries(st.text(st.characters()), VALUES, max_size=4))
def test_any_event_becomes_exactly_one_line_of_json(event: dict[str, Any]) -> None:
    rendered = to_json(event)
    assert b"\n" not in rendered
    assert isinstance(json.loads(rendered), dict)


def test_a_line_says_when_how_grave_what_and_for_whom() -> None:
    (line,) = lines('\nwith bound("the-request-1"): log.warning("stock is low", item=7)')
    assert (line["event"], line["level"], line["item"]) == ("stock is low", "warning", 7)
    assert line["correlation_id"] == "the-request-1"
    assert line["timestamp"].endswith("Z")


def test_a_line_says_which_process_wrote_it() -> None:
    assert lines('log.info("done")')[0]["process"] == "web"


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    script = 'log.info("lost"); sys.stderr.write("went on")'
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", f'{PROLOGUE}\nconfigure("json", "info", "web")\n{script}'],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr.startswith("went on")


def test_line_breaks_in_what_is_logged_stay_inside_of_their_line() -> None:
    (line,) = lines(r'log.info("two\nlines", value="a\r\n{\"event\": \"forged\"}")')
    assert line["event"] == "two\nlines"
    assert line["value"] == 'a\r\n{"event": "forged"}'


def test_an_exception_is_one_line_too() -> None:
    (line,) = lines('try: 1 / 0\nexcept ZeroDivisionError: log.exception("failed")')
    assert line["event"] == "failed"
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    "name", ["uvicorn", "uvicorn.error", "celery", "celery.worker", "alembic.runtime", "sqlalchemy", "some.library"]
)
def test_what_libraries_log_has_the_same_form(name: str) -> None:
    ours, theirs = lines(f'log.info("a")\nlogging.getLogger({name!r}).warning("started %s\\n%s", "one", "two")')
    assert theirs["event"] == "started one\ntwo"
    assert (theirs["level"], theirs["logger"]) == ("warning", name)
    assert set(ours) <= set(theirs)
    assert theirs["correlation_id"] == ours["correlation_id"]


def test_a_librarys_exception_is_one_line() -> None:
    (line,) = lines('try: 1 / 0\nexcept ZeroDivisionError: logging.getLogger("celery").exception("failed")')
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_what_uvicorn_and_celery_set_up_for_themselves_is_undone() -> None:
    said = lines(
        'logging.getLogger("uvicorn.error").info("here")\n'
        'logging.getLogger("uvicorn.access").info("GET / 200")\n'
        'print(int(logging.getLogger("uvicorn.access").hasHandlers()))',
        configured="import uvicorn; uvicorn.Config('x:y')\nconfigure('json', 'info', 'web')",
    )
    assert [line if isinstance(line, int) else line["event"] for line in said] == ["here", 0]


def test_lines_outside_of_any_request_share_the_id_of_their_process_threads_included() -> None:
    script = 'log.info("a")\nthread = threading.Thread(target=lambda: log.info("b"))\nthread.start(); thread.join()'
    first, second = lines(script)
    assert first["correlation_id"] == second["correlation_id"]
    assert first["correlation_id"]
    (other, _) = lines(script)
    assert other["correlation_id"] != first["correlation_id"]


def test_the_level_is_a_floor_for_us_and_for_libraries() -> None:
    said = lines(
        'log.info("no"); log.warning("yes"); logging.getLogger("a").info("no"); logging.getLogger("a").error("yes too")',
        configured='configure("json", "warning", "web")',
    )
    assert [line["event"] for line in said] == ["yes", "yes too"]


def test_the_level_is_a_floor_for_a_library_with_a_level_of_its_own() -> None:
    said = lines(
        'logging.getLogger("uvicorn.error").info("no"); logging.getLogger("uvicorn.error").warning("yes")',
        configured="import uvicorn; uvicorn.Config('x:y')\nconfigure('json', 'warning', 'web')",
    )
    assert [line["event"] for line in said] == ["yes"]


def test_a_command_keeps_its_standard_output_for_its_answer() -> None:
    done = run(
        'log.info("a"); logging.getLogger("b").info("c"); print("the answer")',
        configured='configure("json", "info", "command", stream=sys.stderr)',
    )
    assert done.stdout == "the answer\n"
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["a", "c"]


def test_a_command_may_be_configured_again_by_its_settings() -> None:
    done = run(
        'log.warning("for people")\nconfigure("json", "info", "command", stream=sys.stderr)\nlog.info("for programs")',
        configured='configure("console", "warning", "sm", stream=sys.stderr)',
    )
    first, second = done.stderr.splitlines()
    assert "for people" in first
    assert json.loads(second)["event"] == "for programs"


def test_for_people_a_time_is_no_python() -> None:
    done = run(
        'from datetime import UTC, datetime\nlog.info("due", at=datetime(2026, 1, 2, tzinfo=UTC))',
        configured='configure("console", "info", "beat")',
    )
    assert "at=2026-01-02T00:00:00+00:00" in done.stdout


def test_for_people_a_line_is_text_with_the_id() -> None:
    done = run(
        '\nwith bound("the-request-1"): log.info("hello", item=7)', configured='configure("console", "info", "web")'
    )
    assert "hello" in done.stdout
    assert "item=7" in done.stdout
    assert "correlation_id=the-request-1" in done.stdout
    assert "\x1b[" not in done.stdout


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_local_variables(log_format: str) -> None:
    script = (
        "def sign_in(password):\n    raise LookupError('nobody')\n"
        "try: sign_in('CAN' + 'ARY')\n"
        "except LookupError: log.exception('failed'); logging.getLogger('celery').exception('failed')"
    )
    done = run(script, configured=f'configure("{log_format}", "info", "web")')
    assert done.stdout.count("LookupError: nobody") == 2
    assert "CANARY" not in done.stdout


def test_the_pool_is_as_quiet_as_sqlalchemy_is() -> None:
    assert lines('logging.getLogger("framework.pool.SharedPool").info("Pool disposed.")') == []
