"""The trace that a task continues"""

import sqlalchemy as sa
from alembic import op

revision = "seamark_0012"
down_revision = "seamark_0011"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    op.add_column("task", sa.Column("traceparent", sa.Text(), nullable=True), schema="seamark")


def downgrade() -> None:
    op.drop_column("task", "traceparent", schema="seamark")
