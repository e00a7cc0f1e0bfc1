"""The connections that health has of its own, so that it answers while requests hold all of theirs."""

from time import monotonic

from framework.application import Application
from framework.database import Database
from framework.settings import Settings

OWN = 2
"""For readiness, the framework's check and the history; mostly one of them is open."""
OF_MODULES = 3
"""For the modules' checks, of which one module's hold two at most; closed again when none has run for a while."""
CONNECTIONS = OWN + OF_MODULES
REST_AFTER = 10.0
"""Seconds."""


class Connections:
    """Two pools: what hangs in a module's check is in nobody's way who asks whether this process can serve."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own: Database | None = None
        self._of_modules: Database | None = None
        self._lent_at = 0.0

    @property
    def own(self) -> Database:
        if self._own is None:
            self._own = Database(self._settings, "health", pool_size=OWN)
        return self._own

    def lent(self, application: Application, module: str) -> Application:
        """The application as this module's checks are given it."""
        if module == "seamark":
            return application.borrowing(self.own)
        self._lent_at = monotonic()
        if self._of_modules is None:
            self._of_modules = Database(self._settings, "health", pool_size=OF_MODULES)
        return application.borrowing(self._of_modules)

    async def rest(self) -> None:
        """Close those of the modules' checks if none has run for a while."""
        if monotonic() - self._lent_at > REST_AFTER:
            await self._close_modules()

    async def _close_modules(self) -> None:
        if self._of_modules is not None:
            database, self._of_modules = self._of_modules, None
            await database.close()

    async def close(self) -> None:
        await self._close_modules()
        if self._own is not None:
            database, self._own = self._own, None
            await database.close()
