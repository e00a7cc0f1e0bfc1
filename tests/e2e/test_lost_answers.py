"""A bad connection: what a person saves is saved once, whether or not its answer arrives."""

from playwright.sync_api import Route, expect

from tests.e2e.watched import Watched

BROKEN = "console: Failed to load resource: net::ERR_CONNECTION_RESET"


def test_a_contact_whose_answers_are_lost_is_saved_once(administrator: Watched) -> None:
    page = administrator.open("/contacts/new")
    keys: list[str] = []

    def lose(route: Route) -> None:
        """The server has acted every time; the person's browser hears of it the third time."""
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if len(keys) == 1:
            route.abort("connectionreset")
        elif len(keys) == 2:
            route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")
        else:
            assert answer.headers["idempotency-replayed"] == "true"
            route.fulfill(response=answer)

    page.route("**/api/contacts", lose)
    page.get_by_label("Name").fill("Barbara Liskov")
    page.get_by_label("E-mail").fill("liskov@example.com")
    with administrator.expecting(502):
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="Barbara Liskov")).to_be_visible()
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert administrator.trouble == [BROKEN]
    administrator.trouble.clear()
    administrator.open("/contacts?q=liskov")
    expect(page.get_by_role("link", name="Barbara Liskov")).to_have_count(1)
