"""index by priority what relays publish next"""

from framework.migrating.operations import create_index_concurrently, drop_index_concurrently
from sqlalchemy import text

revision = "seamark_0003"
down_revision = "seamark_0002"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    create_index_concurrently(
        "task_next_ix",
        "task",
        ["queue", "priority", "publish_at"],
        schema="seamark",
        postgresql_where=text("state = 'queued'"),
    )


def downgrade() -> None:
    drop_index_concurrently("task_next_ix", "task", schema="seamark")
