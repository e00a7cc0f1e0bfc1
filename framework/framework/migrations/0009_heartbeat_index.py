"""find what runs by its heartbeat"""

from framework.migrating.operations import create_index_concurrently, drop_index_concurrently

revision = "seamark_0009"
down_revision = "seamark_0008"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    create_index_concurrently("task_signal_heartbeat_at_ix", "task_signal", ["heartbeat_at"], schema="seamark")


def downgrade() -> None:
    drop_index_concurrently("task_signal_heartbeat_at_ix", "task_signal", schema="seamark")
