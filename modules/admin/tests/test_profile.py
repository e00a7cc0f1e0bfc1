"""A profile of the process that answers: one at a time, of all threads and of what tasks await."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from admin import profiler
from admin.speedscope import document
from host.testing.people import SignedInClient
from httpx import AsyncClient


@pytest.fixture
def busy_thread() -> Iterator[None]:
    """One that computes all the time, under a name of its own."""
    stop = threading.Event()

    def spin_in_a_circle() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=spin_in_a_circle, name="circle")
    thread.start()
    yield
    stop.set()
    thread.join()


def names(profile: dict[str, Any], document: dict[str, Any]) -> set[str]:
    frames = document["shared"]["frames"]
    return {frames[frame]["name"].rpartition(".")[2] for sample in profile["samples"] for frame in sample}


async def test_shows_what_threads_do_and_what_tasks_await(busy_thread: None) -> None:
    asked = asyncio.Event()

    async def wait_for_an_answer() -> None:
        await asked.wait()

    waiting = asyncio.create_task(wait_for_an_answer())
    await asyncio.sleep(0)
    found = document(await profiler.profile(0.5), "test")
    asked.set()
    await waiting
    by_name = {profile["name"]: profile for profile in found["profiles"]}
    circle = by_name["thread circle"]
    assert "spin_in_a_circle" in names(circle, found)
    assert len(circle["samples"]) == len(circle["weights"])
    assert 0.4 < sum(circle["weights"]) < 5
    assert {"wait_for_an_answer", "wait"} <= names(by_name["what tasks await"], found)
    assert all(not frame.get("file", "").startswith("/") for frame in found["shared"]["frames"])


async def test_ends_with_who_asked_for_it() -> None:
    impatient = asyncio.create_task(profiler.profile(60))
    await asyncio.sleep(0.05)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    async with asyncio.timeout(10):
        await profiler.profile(0.01)


async def test_is_a_file_for_those_with_the_permission(signed_in_client: SignedInClient, client: AsyncClient) -> None:
    address = "/api/admin/profile?seconds=1"
    assert (await client.post(address)).status_code == 401
    assert (await (await signed_in_client({"admin.view"})).post(address)).status_code == 403
    operator = await signed_in_client({"admin.profile"})
    first, second = await asyncio.gather(operator.post(address), operator.post(address))
    answer, refused = sorted((first, second), key=lambda answer: answer.status_code)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith('.speedscope.json"')
    assert answer.json()["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert (refused.status_code, refused.json()["code"]) == (409, "admin.profile_running")


@pytest.mark.parametrize("seconds", ["0", "26", "nan", "inf"])
async def test_takes_a_bounded_time(signed_in_client: SignedInClient, seconds: str) -> None:
    operator = await signed_in_client({"admin.profile"})
    assert (await operator.post(f"/api/admin/profile?seconds={seconds}")).status_code == 422
