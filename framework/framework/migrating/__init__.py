"""The schema's way from one release to the next: a branch of revisions per module, one runner, one judgement.

``locations`` and ``revisions`` read files, ``state`` compares them with the database (SM010): all three without
Alembic, for the web process. Everything else here runs in ``sm migrate`` and ``migrations/env.py`` only.
"""

from framework.migrating.state import schema_findings

__all__ = ["schema_findings"]
