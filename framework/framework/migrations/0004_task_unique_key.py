"""one queued task for each unique key"""

from framework.migrating.operations import create_index_concurrently, drop_index_concurrently
from sqlalchemy import text

revision = "seamark_0004"
down_revision = "seamark_0003"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    create_index_concurrently(
        "task_unique_key",
        "task",
        ["name", "unique_key"],
        schema="seamark",
        unique=True,
        postgresql_where=text("state = 'queued' AND unique_key IS NOT NULL"),
    )


def downgrade() -> None:
    drop_index_concurrently("task_unique_key", "task", schema="seamark")
