"""A browser page that notes everything a developer would see in its console, and a test's way around in it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

SCREENSHOTS = Path("artifacts/e2e")
# The event names the directive even where the console's message would be cut.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event =>
    console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
FAILED_LOAD = re.compile(r"Failed to load resource: .* status of (\d+)")


class Watched:
    """``trouble`` is what must stay empty. Answers that a test provokes are announced with ``expecting``."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.trouble: list[str] = []
        self._expected: set[int] = set()
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._note_console)
        context.on("weberror", lambda error: self.trouble.append(f"uncaught: {error.error}"))
        context.on("response", self._note_response)
        self.page = context.new_page()

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        self._expected |= set(statuses)
        yield
        self._expected -= set(statuses)

    def sign_in(self, email: str, password: str) -> None:
        """By the API, for tests that are about something else; the browser has the cookie then."""
        answer = self.context.request.post(f"{self.url}/api/users/sign-in", data={"email": email, "password": password})
        assert answer.status == 204, answer.text()

    def create_contact(self, **fields: str) -> None:
        answer = self.context.request.post(f"{self.url}/api/contacts", data=fields)
        assert answer.status == 201, answer.text()

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def screenshot(self, name: str) -> None:
        self.settle()
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def settle(self) -> None:
        """Until nothing on the page stands in for data that is still on its way."""
        expect(self.page.get_by_text("Loading…")).to_have_count(0)
        expect(self.page.locator("[aria-busy='true']")).to_have_count(0)
        self.page.evaluate("document.fonts.ready.then(() => true)")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        failed = FAILED_LOAD.match(message.text)
        if failed is None or int(failed[1]) not in self._expected:
            self.trouble.append(f"console: {message.text}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 500 and response.status not in self._expected:
            self.trouble.append(f"{response.status} {response.url}")


@contextmanager
def watch(browser: Browser, url: str, **options: object) -> Iterator[Watched]:
    """A fresh browser profile; raises ``AssertionError`` at the end when something went wrong in it unnoticed."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **options)  # type: ignore[arg-type]  # passed on
    watched = Watched(context, url)
    try:
        yield watched
    finally:
        context.close()
    assert watched.trouble == [], watched.trouble
