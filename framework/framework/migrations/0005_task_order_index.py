"""find the next of an order key"""

from framework.migrating.operations import create_index_concurrently, drop_index_concurrently
from sqlalchemy import text

revision = "seamark_0005"
down_revision = "seamark_0004"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    create_index_concurrently(
        "task_order_ix",
        "task",
        ["name", "order_key", "order_seq"],
        schema="seamark",
        postgresql_where=text("state = 'queued' AND order_key IS NOT NULL"),
    )


def downgrade() -> None:
    drop_index_concurrently("task_order_ix", "task", schema="seamark")
