"""find what ended when"""

from framework.migrating.operations import create_index_concurrently, drop_index_concurrently
from sqlalchemy import text

revision = "seamark_0006"
down_revision = "seamark_0005"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    create_index_concurrently(
        "task_finished_ix",
        "task",
        ["finished_at"],
        schema="seamark",
        postgresql_where=text("finished_at IS NOT NULL"),
    )


def downgrade() -> None:
    drop_index_concurrently("task_finished_ix", "task", schema="seamark")
