"""One installation as production runs it, and one Chromium, for all browser tests."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from host.shell import MANIFEST
from host.trial import ADMINISTRATOR, Trial, trial
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.watched import Watched, watch

# A machine that runs all of this on two cores has slow moments.
expect.set_options(timeout=15_000)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
type OpenBrowser = Callable[..., Watched]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows the ends of the processes' logs, and a picture of every page."""
    report = yield
    if report.when == "call" and report.failed:
        for name, fixture in item.funcargs.items():
            if isinstance(fixture, Trial):
                for log in sorted(fixture.folder.glob("*.log")):
                    report.sections.append((log.name, "\n".join(log.read_text().splitlines()[-30:])))
            if isinstance(fixture, Watched):
                fixture.page.screenshot(path=f"artifacts/e2e/failed-{item.name}-{name}.png")
    return report


def chromium() -> str | None:
    """Installed ones only: a browser of the test's own would be neither the distribution's nor patched by it."""
    wanted = os.environ.get("SEAMARK_CHROMIUM")
    return wanted or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """While it lasts there is an event loop in this thread, so no other test that brings one may run."""
    path = chromium()
    if path is None:
        message = "no Chromium found: `apt install chromium`, or name one in SEAMARK_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    # Chromium's sandbox refuses to run as root, which is what containers mostly are.
    arguments = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def installation() -> Iterator[Trial]:
    assert MANIFEST.is_file(), "the browser application is not built: `make e2e` does, or `npm run build`"
    with trial() as running:
        running.start_web()
        running.start_worker()
        running.start_beat()
        yield running


@pytest.fixture
def open_browser(browser: Browser, installation: Trial) -> Iterator[OpenBrowser]:
    """``open_browser(color_scheme="dark")``: a browser profile in which nobody is signed in."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(watch(browser, installation.url, **options))


@pytest.fixture
def stranger(open_browser: OpenBrowser) -> Watched:
    return open_browser()


@pytest.fixture
def administrator(open_browser: OpenBrowser) -> Watched:
    watched = open_browser()
    watched.sign_in(*ADMINISTRATOR)
    return watched
