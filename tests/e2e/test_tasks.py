"""What an operator sees of a task that ran: in the list, on its page, and of the worker that ran it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from host.trial import ADMINISTRATOR, Trial
from playwright.sync_api import expect

from tests.e2e.test_import import upload, write_csv
from tests.e2e.watched import Watched


def test_an_import_is_found_among_the_tasks_with_all_that_happened(administrator: Watched, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "one.csv", [["Ada", "ada@example.com", "", "", "", ""]])
    page = upload(administrator, file)
    expect(page.get_by_text("The import is complete.")).to_be_visible()

    administrator.open("/background_tasks")
    page.get_by_label("Task", exact=True).select_option("contacts.import_csv")
    row = page.get_by_role("row", name="contacts.import_csv").first
    expect(row.get_by_text("Succeeded")).to_be_visible()
    administrator.screenshot("tasks")
    row.get_by_role("link").click()

    expect(page.get_by_role("heading", name="contacts.import_csv")).to_be_visible()
    for card, text in (("Arguments", "import_id"), ("Attempts", "Attempt 1"), ("Timeline", "started on")):
        expect(page.get_by_role("region", name=card).get_by_text(text).first).to_be_visible()
    administrator.screenshot("task")

    page.get_by_role("link", name="Background tasks").first.click()
    views = page.get_by_role("navigation", name="Background tasks")
    views.get_by_role("link", name="Workers").click()
    expect(page.get_by_text("tasks known")).to_be_visible()
    administrator.screenshot("workers")
    views.get_by_role("link", name="Queues").click()
    # A relay looks four times a minute.
    expect(page.get_by_role("img", name="Waiting of default")).to_be_visible(timeout=30_000)
    administrator.screenshot("queues")


# Such as a driver's message that quotes a statement; a day old, so that the health page of other tests is green.
LONG_FAILURE = """
INSERT INTO seamark.task (id, name, queue, args, correlation_id, state, created_at, finished_at, error) VALUES (
    '00000000-0000-7000-8000-000000000001', 'contacts.on.contacts.import_finished', 'default', '{}', 'long', 'failed',
    now() - interval '2 days', now() - interval '2 days', jsonb_build_object('type', 'ValueError',
    'message', repeat('a statement that does not end ', 16), 'traceback', repeat('a_line_without_a_break', 16))
)
"""


@pytest.fixture
def long_failure(installation: Trial) -> None:
    installation.run(
        "-c",
        "import sys, asyncio, asyncpg\n"
        "async def execute(): await (await asyncpg.connect(sys.argv[1])).execute(sys.argv[2])\n"
        "asyncio.run(execute())",
        installation.postgres.url().replace("+asyncpg", ""),
        LONG_FAILURE,
    )


def test_a_long_failure_leaves_room_for_everything_else(
    long_failure: None, administrator: Watched, open_browser: Callable[..., Watched]
) -> None:
    page = administrator.open("/background_tasks?correlation_id=long")
    row = page.get_by_role("row", name="contacts.on.contacts.import_finished")
    assert row.get_by_text("Dead letter").evaluate("badge => badge.getClientRects()[0].height") < 30  # a line
    assert row.get_by_role("rowheader").evaluate("name => name.getBoundingClientRect().width") > 150
    administrator.screenshot("long-failure")

    phone = open_browser(viewport={"width": 360, "height": 740}, has_touch=True)
    phone.sign_in(*ADMINISTRATOR)
    page = phone.open("/background_tasks/tasks/00000000-0000-7000-8000-000000000001")
    expect(page.get_by_text("a_line_without_a_break").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    phone.screenshot("360-long-failure")
