"""What an operator sees of a task that ran: in the list, on its page, and of the worker that ran it."""

from pathlib import Path

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
