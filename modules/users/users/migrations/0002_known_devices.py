"""known devices"""

import sqlalchemy as sa
from alembic import op

revision = "users_0002"
down_revision = "users_0001"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    op.create_table(
        "failed_device_sign_ins",
        sa.Column("email_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("device_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("email_digest", "device_digest", name=op.f("failed_device_sign_ins_pkey")),
        schema="users",
    )
    op.create_index(
        op.f("failed_device_sign_ins_last_at_ix"), "failed_device_sign_ins", ["last_at"], unique=False, schema="users"
    )


def downgrade() -> None:
    op.drop_index(op.f("failed_device_sign_ins_last_at_ix"), table_name="failed_device_sign_ins", schema="users")
    op.drop_table("failed_device_sign_ins", schema="users")
