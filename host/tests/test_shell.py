"""The one page: built or in development, found or not, under a policy that lets nothing in but ours."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from host import shell

type Make = Callable[..., FastAPI]
type Ask = Callable[[FastAPI, str], Awaitable[httpx.Response]]
type Browse = Callable[[FastAPI], httpx.AsyncClient]

MANIFEST = {
    "src/main.tsx": {
        "file": "assets/main-1.js", "isEntry": True, "css": ["assets/main-1.css"], "imports": ["_ui.js", "_react.js"],
    },
    "_ui.js": {"file": "assets/ui-2.js", "css": ["assets/ui-2.css", "assets/main-1.css"], "imports": ["_deep.js", "_react.js"]},
    "_deep.js": {"file": "assets/deep-3.js", "css": ["assets/deep-3.css"], "imports": ["_ui.js"]},
    "_react.js": {"file": "assets/react-4.js"},
    "contacts/module.tsx": {"file": "assets/contacts-5.js", "isDynamicEntry": True, "css": ["assets/contacts-5.css"]},
}  # fmt: skip


@pytest.fixture
def built(dist: Path) -> Path:
    shell.MANIFEST.parent.mkdir()
    shell.MANIFEST.write_text(json.dumps(MANIFEST))
    (dist / "assets").mkdir()
    (dist / "assets/main-1.js").write_text("export {}")
    (dist / "favicon.svg").write_text("<svg/>")
    return dist


@pytest.fixture
def client(built: Path, make_app: Make, browse: Browse) -> httpx.AsyncClient:
    return browse(make_app())


def directives(answer: httpx.Response) -> dict[str, str]:
    policy = answer.headers["content-security-policy"]
    return {name: sources for name, _, sources in (part.partition(" ") for part in policy.split("; "))}


class TestTheBuiltPage:
    async def test_loads_the_entry_with_the_scripts_and_styles_of_all_that_it_imports(
        self, client: httpx.AsyncClient
    ) -> None:
        page = (await client.get("/")).text
        assert re.findall(r'<script type="module" nonce="[^"]+" src="([^"]+)"></script>', page) == [
            "/build/assets/main-1.js"
        ]
        assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', page)) == {
            f"/build/assets/{name}.js" for name in ("ui-2", "deep-3", "react-4")
        }
        assert sorted(re.findall(r'rel="stylesheet" href="([^"]+)"', page)) == sorted(
            {f"/build/assets/{name}.css" for name in ("main-1", "ui-2", "deep-3")}
        )
        assert "contacts-5" not in page

    async def test_has_a_nonce_of_its_own_each_time(self, client: httpx.AsyncClient) -> None:
        nonces = set()
        for _ in range(5):
            answer = await client.get("/")
            (nonce,) = set(re.findall(r'nonce="([^"]+)"', answer.text))
            assert f"'nonce-{nonce}'" in directives(answer)["script-src"]
            assert f"'nonce-{nonce}'" in directives(answer)["style-src"]
            assert len(nonce) * 6 >= 128
            nonces.add(nonce)
        assert len(nonces) == 5

    async def test_allows_nothing_inline_nothing_foreign_and_no_frame(self, client: httpx.AsyncClient) -> None:
        policy = directives(await client.get("/"))
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == policy["form-action"] == policy["font-src"] == "'self'"
        assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert not any(word in " ".join(policy.values()) for word in ("unsafe", "*", "http:", "https:", "ws:"))

    async def test_holds_no_inline_script_or_style(self, client: httpx.AsyncClient) -> None:
        page = (await client.get("/")).text
        assert re.findall(r"<script[^>]*>(.+?)</script>", page) == []
        assert "<style" not in page
        assert "style=" not in page

    async def test_is_asked_for_again_each_time(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/")
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"

    async def test_is_the_answer_for_every_page_of_every_module(
        self, client: httpx.AsyncClient, application: Any
    ) -> None:
        pages = ["/", *(page for module in application.modules for page in module.pages)]
        assert len(pages) > 5
        for page in pages:
            answer = await client.get(page.replace("{id}", "7"))
            assert (answer.status_code, 'id="root"' in answer.text) == (200, True), page

    async def test_is_a_404_where_there_is_none(self, client: httpx.AsyncClient) -> None:
        for path in ("/nowhere", "/contacts/7/nowhere", "/contacts/", "/index.html", "/admin/nowhere", "/.env"):
            answer = await client.get(path)
            assert (answer.status_code, 'id="root"' in answer.text) == (404, True), path
            assert answer.headers["cache-control"] == "no-cache"

    async def test_is_never_the_answer_for_programs(self, client: httpx.AsyncClient) -> None:
        for path in (
            "/api",
            "/api/",
            "/api/nowhere",
            "/api/contacts/7/nowhere",
            "/admin/health",
            "/admin/health/",
            "/health/x",
            "/build/nowhere.js",
        ):
            answer = await client.get(path, headers={"accept": "text/html"})
            assert answer.headers["content-type"].startswith("application/"), path

    async def test_takes_no_other_method(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/")).status_code == 405
        assert (await client.head("/")).status_code == 200


class TestInDevelopment:
    @pytest.fixture
    def client(self, make_app: Make, browse: Browse) -> httpx.AsyncClient:
        return browse(make_app(environment="development", vite_url="http://127.0.0.1:5173"))

    async def test_vites_client_comes_first_then_the_source(self, client: httpx.AsyncClient) -> None:
        page = (await client.get("/contacts")).text
        assert re.findall(r'src="([^"]+)"', page) == ["/build/@vite/client", "/build/src/main.tsx"]
        assert 'from "/build/@react-refresh"' in page

    async def test_every_script_carries_the_nonce(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/")
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert len(scripts) == 3
        assert len({re.search(r'nonce="([^"]+)"', script).group(1) for script in scripts}) == 1  # type: ignore[union-attr]

    async def test_the_policy_is_as_strict_but_for_the_socket_of_hot_reload(self, client: httpx.AsyncClient) -> None:
        policy = directives(await client.get("/"))
        assert policy.pop("connect-src") == "'self' ws: wss:"
        assert "unsafe" not in " ".join(policy.values())


class TestWithoutABuild:
    @pytest.mark.parametrize(
        "manifest", [None, "", "{", "{}", '{"src/main.tsx": {"file": "a.js", "imports": ["_gone.js"]}}']
    )
    async def test_the_page_says_so_and_what_to_do(
        self, dist: Path, make_app: Make, browse: Browse, manifest: str | None
    ) -> None:
        if manifest is not None:
            shell.MANIFEST.parent.mkdir()
            shell.MANIFEST.write_text(manifest)
        answer = await browse(make_app()).get("/")
        assert answer.status_code == 200
        assert "The browser application is not built (SM016): npm ci &amp;&amp; npm run build" in answer.text
        assert "<script" not in answer.text


class TestBuiltFiles:
    async def test_what_carries_a_hash_is_kept_for_ever(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/build/assets/main-1.js")
        assert (answer.status_code, answer.text) == (200, "export {}")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "javascript" in answer.headers["content-type"]
        assert "etag" in answer.headers

    async def test_what_does_not_is_asked_for_again(self, client: httpx.AsyncClient) -> None:
        for path in ("/build/favicon.svg", "/favicon.ico"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (200, "<svg/>")
            assert answer.headers["cache-control"] == "no-cache"

    async def test_what_has_not_changed_is_not_sent_again(self, client: httpx.AsyncClient) -> None:
        first = await client.get("/build/assets/main-1.js")
        again = await client.get("/build/assets/main-1.js", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == first.headers["cache-control"]

    async def test_nothing_outside_of_the_build_can_be_had(self, make_app: Make, ask: Ask, built: Path) -> None:
        (built.parent / "secret.txt").write_text("secret")
        (built / "link.txt").symlink_to(built.parent / "secret.txt")
        app = make_app()
        for path in (
            "../secret.txt", "assets/../../secret.txt", "..\\secret.txt", "/etc/passwd", "//etc/passwd", "link.txt",
            "assets", "assets/", "", ".", "..", "\0", "assets/main-1.js\0.css", "a" * 5000, "a/" * 500, "\ufffd", "assets/main-1.js/x", "assets/\n",
        ):  # fmt: skip
            answer = await ask(app, f"/build/{path}")
            assert answer.status_code == 404, path
            assert "secret" not in answer.text
            assert answer.headers["content-type"] == "application/problem+json", path

    async def test_they_cannot_be_written(self, client: httpx.AsyncClient) -> None:
        for method in ("POST", "PUT", "DELETE"):
            assert (await client.request(method, "/build/assets/main-1.js")).status_code == 405
