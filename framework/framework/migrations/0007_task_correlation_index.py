"""find the tasks of one correlation id"""

from framework.migrating.operations import create_index_concurrently, drop_index_concurrently

revision = "seamark_0007"
down_revision = "seamark_0006"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    create_index_concurrently(
        "task_correlation_ix",
        "task",
        ["correlation_id"],
        schema="seamark",
    )


def downgrade() -> None:
    drop_index_concurrently("task_correlation_ix", "task", schema="seamark")
