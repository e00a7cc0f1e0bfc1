"""changes of health"""

import sqlalchemy as sa
from alembic import op

revision = "seamark_0011"
down_revision = "seamark_0010"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    op.create_table(
        "health_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.CheckConstraint("status IN ('ok', 'degraded', 'failed')", name=op.f("health_change_status_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("health_change_pkey")),
        schema="seamark",
    )
    op.create_index("health_change_at_id_ix", "health_change", ["at", "id"], unique=False, schema="seamark")
    op.create_index(
        "health_change_check_name_at_id_ix",
        "health_change",
        ["check_name", "at", "id"],
        unique=False,
        schema="seamark",
    )


def downgrade() -> None:
    op.drop_index("health_change_check_name_at_id_ix", table_name="health_change", schema="seamark")
    op.drop_index("health_change_at_id_ix", table_name="health_change", schema="seamark")
    op.drop_table("health_change", schema="seamark")
