"""The built browser application, file by file."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from framework.problems import Problem, response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from host import shell

IMMUTABLE = "public, max-age=31536000, immutable"
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""The smaller first, with what the name of such a file ends in: host/client_app/compression.ts."""


def built_files(other_builds: Path | None = None) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that answers with the file below ``/build/`` which the path names, compressed where the build has it so.

    ``other_builds``: a folder for what this build does not have.
    """
    files = StaticFiles(directory=shell.DIST, check_dir=False)
    if other_builds is not None:
        files.all_directories.append(other_builds)

    async def find(path: str, request: Request) -> Response:
        if path.startswith("assets/"):
            for encoding in accepted(request.headers.get("accept-encoding", "")):
                with suppress(HTTPException):
                    found = await files.get_response(path + ENCODINGS[encoding], request.scope)
                    found.headers["content-encoding"] = encoding
                    return found
        return await files.get_response(path, request.scope)

    async def answer(request: Request) -> Response:
        path = request.path_params.get("path", "favicon.svg")
        try:
            found = await find(path, request)
        except (HTTPException, OSError, RuntimeError):
            return response(Problem(404, "http.not_found", "There is no such file in this build."))
        # Vite puts a hash of the content into every name below assets/; the rest may change with a release.
        found.headers["cache-control"] = IMMUTABLE if path.startswith("assets/") else "no-cache"
        if path.startswith("assets/"):
            found.headers["vary"] = "accept-encoding"
        return Together(found)

    return answer


def accepted(header: str) -> list[str]:
    """Of our encodings those that an Accept-Encoding names and does not refuse (RFC 9110, 12.5.3). ``*`` names none."""
    named = {}
    for item in header.lower().split(","):
        name, _, weight = item.partition(";")
        named[name.strip()] = weight.partition("=")[2].strip(" 0.") != "" if weight else True
    return [encoding for encoding in ENCODINGS if named.get(encoding)]


class Together(Response):
    """Sends the head of ``answer`` along with the first piece of its body.

    Between the two the file is read. A process that is killed just then has not begun to answer, so the proxy in front
    asks another one; an answer that has begun is nobody's to repeat.
    """

    def __init__(self, answer: Response) -> None:
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head: Message | None = None

        async def send_together(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = message
                return
            if head is not None:
                await send(head)
                head = None
            await send(message)

        await self.answer(scope, receive, send_together)
