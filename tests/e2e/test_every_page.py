"""What every page must bear: a narrow window, the dark, and an address that leads nowhere."""

from collections.abc import Callable

import pytest
from host.trial import ADMINISTRATOR
from playwright.sync_api import expect

from tests.e2e.watched import Watched

PAGES = {
    "dashboard": "/",
    "contacts": "/contacts",
    "new-contact": "/contacts/new",
    "import": "/contacts/import",
    "profile": "/users/profile",
    "notifications": "/notifications",
    "admin": "/admin",
    "modules": "/admin/modules",
    "status": "/admin/status",
    "findings": "/admin/findings",
    "people": "/admin/users",
    "tasks": "/background_tasks",
    "queues": "/background_tasks/queues",
    "workers": "/background_tasks/workers",
    "schedules": "/background_tasks/schedules",
}
BRIGHTNESS = """() => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
    return (red + green + blue) / 765;
}"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_into_360_pixels(name: str, open_browser: Callable[..., Watched]) -> None:
    phone = open_browser(viewport={"width": 360, "height": 740}, has_touch=True)
    phone.sign_in(*ADMINISTRATOR)
    page = phone.open(PAGES[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    phone.settle()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    phone.screenshot(f"360-{name}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_had_in_the_dark(name: str, open_browser: Callable[..., Watched]) -> None:
    dark = open_browser(color_scheme="dark")
    dark.sign_in(*ADMINISTRATOR)
    page = dark.open(PAGES[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate(BRIGHTNESS) < 0.25
    dark.screenshot(f"dark-{name}")


def test_the_chosen_appearance_outlives_a_reload(administrator: Watched) -> None:
    page = administrator.open("/")
    assert page.evaluate(BRIGHTNESS) > 0.75
    page.get_by_role("button", name="Account of").filter(visible=True).click()
    page.get_by_role("menuitemradio", name="Dark").click()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate(BRIGHTNESS) < 0.25


def test_an_address_that_leads_nowhere_is_a_404_with_a_way_home(administrator: Watched) -> None:
    with administrator.expecting(404):
        answer = administrator.page.goto(f"{administrator.url}/no/such/page")
        assert answer is not None
        assert answer.status == 404
        expect(administrator.page.get_by_text("This page does not exist")).to_be_visible()
    administrator.screenshot("not-found")


def test_a_phone_opens_the_navigation_in_a_drawer(open_browser: Callable[..., Watched]) -> None:
    phone = open_browser(viewport={"width": 360, "height": 740}, has_touch=True)
    phone.sign_in(*ADMINISTRATOR)
    page = phone.open("/")
    page.get_by_role("button", name="Open navigation").click()
    drawer = page.get_by_role("dialog")
    phone.screenshot("360-drawer")
    drawer.get_by_role("link", name="Contacts").click()
    expect(page.get_by_role("heading", name="Contacts", level=1)).to_be_visible()
    expect(drawer).to_have_count(0)
