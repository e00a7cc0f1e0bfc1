"""Routes that keep idempotency keys; some end their process at the worst moment."""

import os
import signal
from typing import Annotated
from uuid import uuid4

from fastapi import Header
from framework.database import after_commit
from framework.policies import policy, signed_in
from framework.request_session import Session
from pydantic import BaseModel

from .routes import Note, router
from .tasks import write

__all__ = ["router"]


class Receipt(BaseModel):
    receipt: str


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@router.post("/orders")
@policy(signed_in)
async def order(note: Note, session: Session, x_die: Annotated[str, Header()] = "") -> Receipt:
    """Another receipt each time it runs. A header is no part of what makes a request the same one."""
    await write(session, note.key)
    if x_die == "before commit":
        die()
    if x_die == "after commit":
        after_commit(session, die)
    return Receipt(receipt=uuid4().hex)
