"""Releases overlap: old and new code serve one database, at every revision on the way, and the way back is open (bar row 6)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from framework.embedded.ports import free_port
from host.trial import Trial, trial

from tests.deployment.shelf import RELEASES, Release
from tests.faults.conftest import Report


@pytest.fixture(scope="module")
def installation() -> Iterator[Trial]:
    with trial() as running:
        yield running


class Site:
    """One database, and processes of any release of it."""

    def __init__(self, trial: Trial, folder: Path) -> None:
        self.trial = trial
        self.paths = {release.name: release.install(folder) for release in RELEASES}
        self.boots = self.requests = 0

    def environment(self, release: Release) -> dict[str, str]:
        return {"PYTHONPATH": self.paths[release.name], "SM_MODULES_ENABLED": "shelf", "SM_DRAIN_DELAY": "0"}

    def apply(self, revision: str, release: Release) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", revision],
            cwd=self.trial.clone,
            env={**self.trial.environment, **self.environment(release)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    @contextmanager
    def serving(self, release: Release) -> Iterator[httpx.Client]:
        port, name = free_port(), f"release-{self.boots}"
        self.boots += 1
        command = ("-m", "uvicorn", "host.main:app", "--port", str(port), "--no-access-log")
        self.trial.start(name, *command, environment=self.environment(release))
        try:
            self.trial.wait_for(f"http://127.0.0.1:{port}/health/ready", name)
            # Sooner than uvicorn, which ends an idle connection after 5 s: what is sent just then would be lost.
            limits = httpx.Limits(keepalive_expiry=2)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, limits=limits) as client:
                yield client
        finally:
            self.trial.stop(name)

    def refuses(self, release: Release) -> str:
        """What it says instead of serving."""
        with pytest.raises(RuntimeError) as refused, self.serving(release):
            pass
        return str(refused.value)

    def used(self, *clients: httpx.Client) -> None:
        """Each adds a book, and every one of them sees it, and all that there were."""
        for client in clients:
            (known,) = {tuple(self.books(reader)) for reader in clients}
            book = f"book {len(known) + 1}"
            self.requests += 1
            assert client.post("/api/shelf/books", json={"name": book}).status_code == 201
            for reader in clients:
                assert self.books(reader) == [*known, book]

    def books(self, client: httpx.Client) -> list[str]:
        self.requests += 1
        answer = client.get("/api/shelf/books")
        assert answer.status_code == 200, answer.text
        books: list[str] = answer.json()
        return books


def test_each_release_serves_beside_the_next_at_every_revision_and_takes_over_again(
    installation: Trial, tmp_path: Path, report: Report
) -> None:
    site = Site(installation, tmp_path)
    site.apply("seamark@head", RELEASES[0])
    site.apply(RELEASES[0].head, RELEASES[0])
    steps = 0
    for old, new in pairwise(RELEASES):
        with site.serving(old) as before:
            for number in range(old.revisions + 1, new.revisions + 1):
                assert "SM010" in site.refuses(new)
                site.apply(f"shelf_{number:04}", new)
                steps += 1
                site.used(before)
                # One that is started anew in the middle of the rollout, too.
                with site.serving(old) as restarted:
                    site.used(before, restarted)
            with site.serving(new) as after:
                site.used(before, after)
            site.used(before)
        # The way back: the image before, the database as it is.
        with site.serving(old) as again, site.serving(new) as anew:
            site.used(again, anew)
    report(
        f"{len(RELEASES)} releases, {steps} revisions, each with the release before it running and started anew: "
        f"{site.boots} starts, 0 of {site.requests} requests failed"
    )


def test_two_releases_back_is_refused_where_it_would_lose_something(installation: Trial, tmp_path: Path) -> None:
    site = Site(installation, tmp_path)
    site.apply("seamark@head", RELEASES[-1])
    site.apply(RELEASES[-1].head, RELEASES[-1])

    for release in RELEASES[:2]:
        assert "took away what it needs" in site.refuses(release)
