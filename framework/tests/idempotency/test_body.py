"""The digest of a body as it passes."""

from collections.abc import Iterable

import pytest
from framework.idempotency.body import DigestedBody
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import Message

FORM = b"multipart/form-data; boundary=%s"


def arriving(pieces: Iterable[bytes], kind: bytes = b"", *, whole: bool = True) -> DigestedBody:
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b""} if whole else {"type": "http.disconnect"})
    queue = iter(messages)

    async def receive() -> Message:
        return next(queue)

    return DigestedBody(receive, kind)


async def digest(*pieces: bytes, kind: bytes = b"") -> bytes:
    return await arriving(pieces, kind).digest()


async def test_it_does_not_depend_on_the_pieces() -> None:
    assert await digest(b"one", b"two") == await digest(b"onetwo") != await digest(b"onetw")


async def test_what_was_read_ahead_is_there_for_the_route() -> None:
    body = arriving([b"one", b"two"])
    first = await body.receive()
    before = await body.digest()
    rest = [await body.receive(), await body.receive()]
    assert [message["body"] for message in (first, *rest)] == [b"one", b"two", b""]
    assert await body.digest() == before == await digest(b"onetwo")


async def test_a_client_that_goes_away_in_between_has_sent_no_body() -> None:
    with pytest.raises(ClientDisconnect):
        await arriving([b"one"], whole=False).digest()


def form(boundary: bytes, content: bytes = b"a,b") -> bytes:
    return b'--%b\r\ncontent-disposition: form-data; name="file"\r\n\r\n%b\r\n--%b--\r\n' % (
        boundary,
        content,
        boundary,
    )


async def test_the_boundary_of_a_form_does_not_count_and_its_content_does() -> None:
    one = await digest(form(b"3f81aa"), kind=FORM % b"3f81aa")
    assert one == await digest(form(b"77e0cd41"), kind=FORM % b"77e0cd41")
    assert one != await digest(form(b"77e0cd41", b"a,c"), kind=FORM % b"77e0cd41")


async def test_a_form_without_a_boundary_has_a_digest_too() -> None:
    assert await digest(b"x", kind=b"multipart/form-data") == await digest(b"x")


@given(st.lists(st.integers(1, 40), max_size=12), st.binary(max_size=40))
async def test_a_boundary_is_found_wherever_the_pieces_are_cut(cuts: list[int], content: bytes) -> None:
    whole = form(b"3f81aa", content)
    pieces, rest = [], whole
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    kind = FORM % b"3f81aa"
    assert await digest(*pieces, rest, kind=kind) == await digest(whole, kind=kind)
