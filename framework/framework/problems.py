"""Errors as problem documents (RFC 9457) with a stable ``code`` and the correlation id."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.responses import Response

from framework.correlation import correlation_id

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100
"""Of one request: more help nobody, and an answer must not grow with what was sent."""
# RFC 9110's names, which Python has since 3.13: titles and codes must not depend on the interpreter.
RENAMED = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


class Problem(Exception):
    """Answer the request with this problem. ``code`` is part of the API: ``<module>.<what>``.

    ``errors`` lists what is wrong with fields: ``{"field": "email", "message": "…"}``; further keywords become
    members of the document (RFC 9457 section 3.2).
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{status} {code} {detail}".rstrip())
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers, self.members = errors, headers, members


class UnreadBody(Problem, HTTPException):
    """What is wrong with a body before anything is made of it: FastAPI calls all errors but its own a bad body, 400."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, detail, headers=headers)
        self.status_code = status


def title(status: int) -> str:
    return RENAMED.get(status) or HTTPStatus(status).phrase


def too_large(limit: int) -> Problem:
    size = f"{limit / 1_048_576:.0f} MiB" if limit >= 1_048_576 else f"{limit / 1024:.0f} KiB"
    return Problem(413, "request.too_large", f"The body may have at most {size}.", headers={"connection": "close"})


def document(problem: Problem) -> bytes:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title(problem.status),
        "status": problem.status,
        "code": problem.code,
        "correlation_id": correlation_id(),
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = list(problem.errors)
    return orjson.dumps(body | problem.members, default=str)


def response(problem: Problem) -> Response:
    headers = {"cache-control": "no-store", **(problem.headers or {})}
    return Response(document(problem), problem.status, headers, media_type=MEDIA_TYPE)


async def answer_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return response(error)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """What FastAPI and Starlette raise themselves, in our form."""
    assert isinstance(error, HTTPException)
    if error.status_code == 413 and MAX_BODY_SIZE_SCOPE_KEY in request.scope:
        return response(too_large(request.scope[MAX_BODY_SIZE_SCOPE_KEY]))
    phrase = title(error.status_code)
    code = phrase.lower().replace(" ", "_").replace("-", "_").replace("'", "")
    return response(Problem(error.status_code, f"http.{code}", str(error.detail or phrase), headers=error.headers))


async def answer_invalid_request(_: Request, error: Exception) -> Response:
    """Which fields are wrong and why, without echoing what was sent (it may hold a password)."""
    assert isinstance(error, RequestValidationError)
    errors = [{"field": field(item), "message": message(item)} for item in error.errors()[:MOST_ERRORS]]
    return response(Problem(422, "request.invalid", "Some fields are not valid.", errors=errors))


def field(error: Mapping[str, Any]) -> str:
    """``address.city`` without the ``body`` or ``query`` in front; ``body`` when the whole of it is wrong."""
    source, *path = error["loc"]
    return ".".join(map(str, path)) if path and error["type"] != "json_invalid" else str(source)


def message(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    return text[:1].upper() + text[1:]


handlers: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Problem: answer_problem,
    HTTPException: answer_http_exception,
    RequestValidationError: answer_invalid_request,
}
