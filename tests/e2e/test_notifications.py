"""Being told that something is done, and going there: by keyboard, on a phone, in the dark."""

from collections.abc import Callable
from pathlib import Path

from host.trial import ADMINISTRATOR
from playwright.sync_api import Page, expect

from tests.e2e.watched import Watched


def import_three(watched: Watched, folder: Path, name: str) -> Page:
    """Its end is told meanwhile: the bell asks twice a minute, and when the window has the focus again."""
    file = folder / name
    file.write_text("name,email\nAnna,anna@example.com\nBea,bea@example.com\nNobody,nowhere\n")
    page = watched.open("/contacts/import")
    page.get_by_label("Choose a CSV file").set_input_files(file)
    expect(page.get_by_text("The import is complete.")).to_be_visible()
    return page


def test_the_end_of_an_import_is_told_under_the_bell(administrator: Watched, tmp_path: Path) -> None:
    import_three(administrator, tmp_path, "bell.csv")
    page = administrator.open("/")
    bell = page.get_by_role("button", name="Notifications,").filter(visible=True)
    expect(bell).to_be_visible(timeout=40_000)
    administrator.screenshot("bell")

    bell.press("Enter")
    told = page.get_by_role("dialog", name="Notifications")
    expect(told).to_be_focused()
    expect(told.get_by_role("link", name="Your import of bell.csv is done")).to_be_visible()
    administrator.screenshot("bell-open")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    expect(bell).to_be_focused()

    bell.press("Enter")
    told.get_by_role("link", name="Your import of bell.csv is done").press("Enter")
    expect(page.get_by_role("heading", name="bell.csv")).to_be_visible()
    expect(told).to_be_hidden()


def test_a_phone_in_the_dark_shows_them_all(open_browser: Callable[..., Watched], tmp_path: Path) -> None:
    phone = open_browser(viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark")
    phone.sign_in(*ADMINISTRATOR)
    import_three(phone, tmp_path, "phone.csv")
    page = phone.open("/notifications")
    notice = page.get_by_role("main").get_by_role("listitem").filter(has_text="phone.csv")
    expect(notice).to_be_visible(timeout=40_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    phone.screenshot("360-dark-notices")

    page.get_by_role("button", name="Notifications,").filter(visible=True).click()
    told = page.get_by_role("dialog", name="Notifications")
    expect(told.get_by_role("listitem").first).to_be_visible()
    box = told.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    phone.screenshot("360-dark-bell")
    told.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("button", name="Notifications", exact=True).filter(visible=True)).to_be_visible()
    page.keyboard.press("Escape")

    notice.get_by_role("button", name="Delete").click()
    expect(notice).to_have_count(0)
