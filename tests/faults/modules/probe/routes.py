from framework.policies import policy, public
from framework.request_session import Session
from framework.routing import Router
from pydantic import BaseModel

from . import tasks

router = Router("probe")


class Note(BaseModel):
    key: str


@router.post("/notes", status_code=202)
@policy(public, idempotent=True)
async def enqueue_note(note: Note, session: Session) -> Note:
    await tasks.note.enqueue(session, key=note.key)
    return note
