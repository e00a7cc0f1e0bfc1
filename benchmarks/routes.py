"""The route that both applications have: a model of a few fields, from memory."""

from pydantic import BaseModel


class Greeting(BaseModel):
    id: int
    name: str
    tags: list[str]


async def greet() -> Greeting:
    return Greeting(id=7, name="Seamark", tags=["measured", "here"])
