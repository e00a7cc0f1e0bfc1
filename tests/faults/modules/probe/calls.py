"""Routes that ask another service."""

from framework.application import CurrentApplication
from framework.policies import policy, public

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
