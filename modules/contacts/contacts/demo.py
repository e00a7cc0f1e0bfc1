"""Sixty people who do not exist, always the same ones."""

from itertools import product

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from contacts.schemas import ContactFields
from contacts.tables import Contact
from contacts.upsert import upsert

FIRST = "Ada Blaise Chiara Dmitri Élodie Fatima Grace Hiroshi Ingrid João Katherine Léon".split()
LAST = "Ångström Brontë Curie Daubechies O'Neill".split()
ORGANISATIONS = ("Analytical Engines", "Brunel & Daughters", "Café Fourier", "Delta Surveys", "Everest Bakery", None)
TAGS: tuple[list[str], ...] = (["customer"], ["customer", "newsletter"], ["supplier"], [], ["press", "VIP"])
NOTES = (None, "Prefers letters.", "Met at the fair in Lyon.\nWrite again in spring.", None)


def people() -> list[ContactFields]:
    return [
        ContactFields(
            name=f"{first} {last}",
            email=f"person{number}@example.com",
            phone=f"+44 20 7946 {number:04}",
            organisation=ORGANISATIONS[number % len(ORGANISATIONS)],
            notes=NOTES[number % len(NOTES)],
            tags=TAGS[number % len(TAGS)],
        )
        for number, (first, last) in enumerate(product(FIRST, LAST), start=1)
    ]


async def demo(session: AsyncSession) -> None:
    """Only where nobody has any contacts yet, so that it undoes no one's changes."""
    if not await session.scalar(select(exists(Contact.id))):
        await upsert(session, people())
