import asyncio
from pathlib import Path

import pytest
from host.built_files import Together, accepted, built_files
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Message

from host import shell

GET = {"type": "http", "method": "GET", "headers": []}


async def patient() -> Message:
    """A client that stays."""
    await asyncio.Event().wait()
    raise AssertionError


async def test_head_and_body_leave_together(tmp_path: Path) -> None:
    path = tmp_path / "main.js"
    path.write_text("let it = 1;")
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await Together(FileResponse(path))(GET, patient, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b"let it = 1;"


async def test_what_fails_before_the_first_piece_has_not_begun_to_answer(tmp_path: Path) -> None:
    path = tmp_path / "gone.js"
    path.write_text("here today")
    answer = Together(FileResponse(path, stat_result=path.stat()))
    path.unlink()

    async def send(message: Message) -> None:
        raise AssertionError(f"sent {message}")

    with pytest.raises(FileNotFoundError):
        await answer(GET, patient, send)


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build with a script that has both compressed forms, and one that has none."""
    monkeypatch.setattr(shell, "DIST", tmp_path)
    (tmp_path / "assets").mkdir()
    for name in ("main.js", "main.js.br", "main.js.gz", "small.js"):
        (tmp_path / "assets" / name).write_text(name)
    (tmp_path / "favicon.svg").write_text("favicon.svg")
    return tmp_path


async def ask(path: str, accept_encoding: str) -> tuple[Response, str]:
    headers = [(b"accept-encoding", accept_encoding.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "path_params": {"path": path}}
    answer = await built_files()(Request(scope))
    assert isinstance(answer, Together)
    body = bytearray()

    async def send(message: Message) -> None:
        body.extend(message.get("body", b""))

    await answer(scope, patient, send)
    return answer.answer, body.decode()


@pytest.mark.usefixtures("dist")
class TestCompression:
    @pytest.mark.parametrize(
        ("accept_encoding", "encoding", "content"),
        [
            ("gzip, deflate, br, zstd", "br", "main.js.br"),
            ("gzip", "gzip", "main.js.gz"),
            ("gzip;q=1.0, br;q=0", "gzip", "main.js.gz"),
            ("BR", "br", "main.js.br"),
            ("gzip;q=0.000", None, "main.js"),
            ("identity", None, "main.js"),
            ("", None, "main.js"),
        ],
    )
    async def test_the_form_that_is_wanted_is_sent(
        self, accept_encoding: str, encoding: str | None, content: str
    ) -> None:
        answer, body = await ask("assets/main.js", accept_encoding)
        assert (answer.headers.get("content-encoding"), body) == (encoding, content)
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["vary"] == "accept-encoding"
        assert "immutable" in answer.headers["cache-control"]

    @pytest.mark.parametrize("path", ["assets/small.js", "favicon.svg"])
    async def test_what_has_no_such_form_is_sent_as_it_is(self, path: str) -> None:
        answer, body = await ask(path, "gzip, br")
        assert ("content-encoding" in answer.headers, body) == (False, path.removeprefix("assets/"))


def test_what_is_refused_is_not_accepted() -> None:
    assert accepted("br;q=0, gzip;q=0.5") == ["gzip"]
    assert accepted("gzip, br") == ["br", "gzip"]
    assert accepted("*, zstd") == []


async def test_a_file_of_another_build_is_found_where_they_are_kept(
    dist: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    others = tmp_path_factory.mktemp("others")
    (others / "assets").mkdir()
    (others / "assets/earlier.js").write_text("earlier.js")
    (others / "assets/main.js").write_text("of another build")
    answer = built_files(others)

    async def path_of(name: str) -> Path:
        scope = GET | {"path": f"/build/assets/{name}", "path_params": {"path": f"assets/{name}"}}
        found = await answer(Request(scope))
        assert isinstance(found, Together)
        assert isinstance(found.answer, FileResponse)
        assert found.answer.headers["cache-control"].endswith("immutable")
        return Path(found.answer.path)

    assert await path_of("earlier.js") == others / "assets/earlier.js"
    assert await path_of("main.js") == dist / "assets/main.js"
