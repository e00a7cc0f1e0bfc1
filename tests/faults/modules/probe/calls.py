"""Routes that ask another service."""

from framework.application import CurrentApplication
from framework.policies import policy, public
from framework.request_session import Session
from pydantic import BaseModel

from . import tasks
from .routes import router

__all__ = ["router"]

DEADLINE = 3.0
"""Seconds."""


@router.get("/call")
@policy(public, deadline=DEADLINE)
async def call(application: CurrentApplication, url: str) -> str:
    response = await application.http.request("GET", url)
    return response.raise_for_status().text


@router.put("/call")
@policy(public, deadline=DEADLINE, idempotent=True)
async def charge(application: CurrentApplication, url: str) -> str:
    response = await application.http.request("POST", url, json={"amount": 100})
    return response.raise_for_status().text


class Errand(BaseModel):
    url: str


@router.post("/errands", status_code=202)
@policy(public, idempotent=True)
async def send(errand: Errand, session: Session) -> None:
    """A task asks instead."""
    await tasks.ask.enqueue(session, url=errand.url)
