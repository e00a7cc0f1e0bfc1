"""Coming in, by mouse and by keyboard alone."""

from host.trial import ADMINISTRATOR
from playwright.sync_api import Locator, expect

from tests.e2e.watched import Watched

EMAIL, PASSWORD = ADMINISTRATOR


def test_a_stranger_is_led_to_the_sign_in_page_and_back_to_where_they_wanted(stranger: Watched) -> None:
    page = stranger.open("/contacts")
    expect(page).to_have_url(f"{stranger.url}/users/sign-in?next=%2Fcontacts")
    stranger.screenshot("sign-in")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Contacts", level=1)).to_be_visible()


def test_a_wrong_password_is_said_and_lets_nobody_in(stranger: Watched) -> None:
    page = stranger.open("/users/sign-in")
    with stranger.expecting(401):
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password", exact=True).fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("do not match")
    expect(page).to_have_url(f"{stranger.url}/users/sign-in")


def test_the_keyboard_is_enough_to_sign_in_and_to_search(administrator: Watched, stranger: Watched) -> None:
    administrator.create_contact(name="Keyla Board", email="keyla@example.com")
    page = stranger.open("/users/sign-in")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    tab_to(page.get_by_role("navigation", name="Main").get_by_role("link", name="Contacts"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Contacts", level=1)).to_be_visible()
    tab_to(page.get_by_role("searchbox", name="Search contacts"))
    page.keyboard.type("keyl")
    expect(page.get_by_role("rowheader")).to_have_text(["Keyla Board"])
    tab_to(page.get_by_role("link", name="Keyla Board"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keyla Board")).to_be_visible()


def test_signing_out_ends_it(administrator: Watched) -> None:
    page = administrator.open("/contacts")
    page.get_by_role("button", name="Account of").filter(visible=True).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    answer = administrator.context.request.get(f"{administrator.url}/api/users/me")
    assert answer.status == 401


def tab_to(target: Locator) -> None:
    """Press Tab until ``target`` has the focus, and see that one can see it."""
    page = target.page
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            focused = page.screenshot()
            target.blur()
            assert page.screenshot() != focused, "the focus does not show"
            target.focus()
            return
    raise AssertionError(f"{target} cannot be reached by Tab")
