"""What other modules may know of contacts."""

from typing import ClassVar
from uuid import UUID

from framework.events import Event


class ImportFinished(Event):
    """A file was imported, to its end or as far as it got: ``status`` is succeeded, failed or cancelled."""

    event_name: ClassVar[str] = "contacts.import_finished"

    import_id: UUID
    status: str
    created: int
    updated: int
    rejected: int
    started_by: UUID | None

    @property
    def order_key(self) -> str:
        """One that failed may go on and succeed: who is told of both hears it in that order."""
        return str(self.import_id)
