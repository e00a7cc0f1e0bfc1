import asyncio
from pathlib import Path

import pytest
from host.built_files import Together
from starlette.responses import FileResponse
from starlette.types import Message

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
