from framework.policies import policy, public
from framework.request_session import Session
from framework.routing import Router
from pydantic import BaseModel
from sqlalchemy import text

# In nothing else do the releases differ.
from .statements import READ, WRITE

router = Router("shelf")


class Book(BaseModel):
    name: str


@router.get("/books")
@policy(public)
async def list_books(session: Session) -> list[str | None]:
    return list(await session.scalars(text(READ)))


@router.post("/books", status_code=201)
@policy(public, idempotent=True)
async def add_book(book: Book, session: Session) -> Book:
    await session.execute(text(WRITE), {"name": book.name})
    return book
