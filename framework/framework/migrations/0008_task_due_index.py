"""drop the index that task_next_ix replaces"""

from framework.migrating.operations import create_index_concurrently, drop_index_concurrently
from sqlalchemy import text

revision = "seamark_0008"
down_revision = "seamark_0007"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    # The release before still asks by queue and time, and is served by task_next_ix as well.
    drop_index_concurrently("task_due_ix", "task", schema="seamark")


def downgrade() -> None:
    create_index_concurrently(
        "task_due_ix", "task", ["queue", "publish_at"], schema="seamark", postgresql_where=text("state = 'queued'")
    )
