"""How other modules tell a person something."""

import re
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.tables import Notice

# A path of this application and nothing that a browser takes for another origin: neither `//elsewhere` nor `/\elsewhere`.
OWN_PATH = re.compile(r"/(?![/\\])[^\s\\]*")


async def notify(
    session: AsyncSession, account_id: UUID, title: str, *, path: str | None = None, body: str = ""
) -> None:
    """Tell the person ``title``, and ``body`` below it, once ``session``'s transaction has committed.

    ``path`` is the page that it is about, such as ``/contacts/imports/…``. Raises ``ValueError`` for any other address.
    """
    if path is not None and not OWN_PATH.fullmatch(path):
        raise ValueError(f"a notice leads to a page of this application, not to {path!r}")
    values = {"account_id": account_id, "title": title, "path": path, "body": body}
    await session.execute(insert(Notice), values)
