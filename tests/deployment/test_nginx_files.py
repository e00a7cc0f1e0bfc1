"""The browser application's files, as nginx serves them from the folder of `sm assets copy`."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from host.assets import DAY, copy_build
from host.built_files import IMMUTABLE

from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import Nginx
from tests.deployment.replica import Replica

SCRIPT = "let it = 1;" * 100
NOW = 1_800_000_000.0


def build(folder: Path, release: str) -> Path:
    """A built application with a chunk of this release, compressed too, and what all releases have."""
    (folder / "assets").mkdir(parents=True)
    script = folder / "assets" / f"main-{release}.js"
    script.write_text(SCRIPT)
    script.with_suffix(".js.gz").write_bytes(gzip.compress(SCRIPT.encode(), mtime=0))
    (folder / "assets" / f"main-{release}.css").write_text("p { color: red }")
    (folder / "assets" / f"inter-{release}.woff2").write_bytes(b"wOF2")
    (folder / "favicon.svg").write_text("<svg/>")
    return folder


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    async with Replica() as replica:
        yield replica


@pytest.fixture
def nginx(replica: Replica, start_nginx: StartNginx, tmp_path: Path) -> Nginx:
    nginx = start_nginx([replica.port])
    copy_build(build(tmp_path / "one", "11111111"), nginx.built, keep=30 * DAY, now=NOW)
    return nginx


@pytest.fixture
async def client(nginx: Nginx) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=nginx.url, timeout=10) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "media_type", "caching"),
    [
        ("assets/main-11111111.js", "text/javascript; charset=utf-8", IMMUTABLE),
        ("assets/main-11111111.css", "text/css; charset=utf-8", IMMUTABLE),
        ("assets/inter-11111111.woff2", "font/woff2", IMMUTABLE),
        ("favicon.svg", "image/svg+xml", "no-cache"),
    ],
)
async def test_no_process_is_asked(
    client: httpx.AsyncClient, replica: Replica, path: str, media_type: str, caching: str
) -> None:
    answer = await client.get(f"/build/{path}")
    assert (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"]) == (
        200,
        media_type,
        caching,
    )
    again = await client.get(f"/build/{path}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, caching)
    assert not replica.requests


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip, br", "gzip"), ("identity", None), ("gzip;q=0", None)])
async def test_a_file_is_sent_as_the_build_has_compressed_it(
    client: httpx.AsyncClient, nginx: Nginx, accepted: str, encoding: str | None
) -> None:
    answer = await client.get("/build/assets/main-11111111.js", headers={"accept-encoding": accepted})
    assert (answer.headers.get("content-encoding"), answer.text) == (encoding, SCRIPT)
    assert answer.headers["vary"] == "Accept-Encoding"
    stored = nginx.built / "assets" / ("main-11111111.js.gz" if encoding else "main-11111111.js")
    assert int(answer.headers["content-length"]) == stored.stat().st_size


async def test_a_page_that_was_open_before_a_deploy_finds_its_chunks(
    client: httpx.AsyncClient, nginx: Nginx, replica: Replica, tmp_path: Path
) -> None:
    copy_build(build(tmp_path / "two", "22222222"), nginx.built, keep=30 * DAY, now=NOW + 30 * DAY)
    for release in ("11111111", "22222222"):
        assert (await client.get(f"/build/assets/main-{release}.js")).status_code == 200
    assert not replica.requests
    copy_build(tmp_path / "two", nginx.built, keep=30 * DAY, now=NOW + 31 * DAY)
    await client.get("/build/assets/main-11111111.js")
    assert len(replica.requests) == 1


@pytest.mark.parametrize(
    "path", ["assets/main-33333333.js", "assets/", "", "assets", ".vite/manifest.json", "nowhere.svg"]
)
async def test_what_is_not_there_the_processes_are_asked_for(
    client: httpx.AsyncClient, replica: Replica, path: str
) -> None:
    answer = await client.get(f"/build/{path}")
    # The replica's own answer: nothing of it is said to be kept.
    assert (answer.text, "cache-control" in answer.headers) == ("ok", False)
    assert replica.requests[0].startswith(f"GET /build/{path} ".encode())


@pytest.mark.parametrize(
    "path", ["/build/../secret.txt", "/build/..%2fsecret.txt", "/build/assets/%2e%2e/%2e%2e/secret.txt", "/build../secret.txt"]
)  # fmt: skip
async def test_nothing_beside_the_folder_is_served(nginx: Nginx, client: httpx.AsyncClient, path: str) -> None:
    (nginx.built.parent / "secret.txt").write_text("secret")
    answer = await client.get(httpx.URL(nginx.url).copy_with(raw_path=path.encode()))
    assert "secret" not in answer.text


async def test_without_the_folder_the_processes_have_it_all(start_nginx: StartNginx, replica: Replica) -> None:
    nginx = start_nginx([replica.port])
    async with httpx.AsyncClient(base_url=nginx.url, timeout=10) as client:
        assert (await client.get("/build/assets/main-11111111.js")).text == "ok"
