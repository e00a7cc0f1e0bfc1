"""A page that was opened before a deploy goes on: its chunks are still there, and its calls are understood (bar row 6)."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from framework.embedded.ports import free_port
from host.assets import DAY, copy_build
from host.shell import DIST
from host.trial import ADMINISTRATOR, Trial, trial
from playwright.sync_api import Browser, expect

from tests.deployment.conftest import StartNginx
from tests.deployment.next_release import make_next_release, paths_of
from tests.deployment.nginx import Nginx, to_tcp
from tests.e2e.conftest import launched
from tests.e2e.watched import Watched, watch
from tests.faults.conftest import Report

OLD, NEW = "Contacts", "People"
"""What the page is headed in either release."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_next_release(tmp_path_factory.mktemp("later") / "clone")


class Site:
    """Behind nginx: the release of this clone, and then the next one."""

    def __init__(self, trial: Trial, nginx: Nginx, later: Path) -> None:
        self.trial, self.nginx, self.later = trial, nginx, later
        self.next_port = free_port()

    def deploy_next(self) -> None:
        environment = {"PYTHONPATH": paths_of(self.later)}
        command = ("-m", "uvicorn", "host.main:app", "--port", str(self.next_port), "--no-access-log")
        self.trial.start("next", *command, environment=environment)
        self.trial.wait_for(f"http://127.0.0.1:{self.next_port}/health/ready", "next")
        (self.nginx.files / "replicas.conf").write_text(to_tcp([self.next_port]))
        self.nginx.reload()
        # nginx reads its files when it comes to it; until then it sends to the release before.
        self.trial.wait_until(lambda: "gracefully shutting down" in self.nginx.error.read_text(), "next")
        self.trial.stop("web")


@pytest.fixture
def site(start_nginx: StartNginx, later: Path) -> Iterator[Site]:
    with trial() as installation:
        nginx = start_nginx([installation.port])
        installation.environment["SM_EXTRA_ORIGINS"] = nginx.url
        installation.start_web()
        yield Site(installation, nginx, later)


def open_before(watched: Watched, site: Site) -> None:
    watched.sign_in(*ADMINISTRATOR)
    expect(watched.open("/").get_by_role("link", name=OLD).first).to_be_visible()
    watched.settle()


def test_an_open_page_goes_on_across_a_deploy(site: Site, browser: Browser, report: Report) -> None:
    copy_build(DIST, site.nginx.built, keep=DAY, now=0)
    with watch(browser, site.nginx.url) as watched:
        open_before(watched, site)
        copied = copy_build(site.later / "host/client_app/dist", site.nginx.built, keep=DAY, now=0)
        site.deploy_next()
        asked: list[str] = []
        watched.page.on("response", lambda response: asked.append(f"{response.status} {response.url}"))

        # Its own chunks, which the next release has not, and calls to the next release's API.
        watched.page.get_by_role("link", name=OLD).first.click()
        expect(watched.page.get_by_role("heading", name=OLD)).to_be_visible()
        watched.page.get_by_role("link", name="New contact").first.click()
        watched.page.get_by_label("Name").fill("Grace Hopper")
        watched.page.get_by_label("E-mail").fill("grace@example.com")
        watched.page.get_by_role("button", name="Save").click()
        expect(watched.page.get_by_text("Grace Hopper has been added.")).to_be_visible()

        chunks = [line for line in asked if "/build/assets/" in line]
        calls = [line for line in asked if "/api/" in line]
        watched.page.reload()
        watched.open("/contacts")
        expect(watched.page.get_by_role("heading", name=NEW)).to_be_visible()
    built = list((site.later / "host/client_app/dist/assets").iterdir())
    gone = [line for line in chunks if not any(path.name in line for path in built)]
    report(
        f"a page of the release before: {len(gone)} chunks that the next release has not and {len(calls)} calls to it, "
        f"{sum(not line.startswith('2') for line in (*chunks, *calls))} failed; {copied.added} files added, {copied.kept} kept"
    )
    assert gone
    assert calls
    assert all(line.startswith("2") for line in (*chunks, *calls))


def test_a_page_whose_chunks_are_gone_loads_the_next_release(site: Site, browser: Browser) -> None:
    copy_build(DIST, site.nginx.built, keep=DAY, now=0)
    with watch(browser, site.nginx.url) as watched:
        open_before(watched, site)
        shutil.rmtree(site.nginx.built)
        copy_build(site.later / "host/client_app/dist", site.nginx.built, keep=DAY, now=0)
        site.deploy_next()

        with watched.expecting(404):
            watched.page.get_by_role("link", name=OLD).first.click()
            expect(watched.page.get_by_role("heading", name=NEW)).to_be_visible()
