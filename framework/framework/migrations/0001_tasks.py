"""tasks"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "seamark_0001"
down_revision = None
branch_labels = ("seamark",)
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("publications", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("cursor", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("steps", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("step_attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'succeeded', 'failed', 'cancelled')", name=op.f("task_state_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("task_pkey")),
        schema="seamark",
    )
    op.create_index(
        "task_due_ix",
        "task",
        ["queue", "publish_at"],
        unique=False,
        schema="seamark",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "task_ended_ix",
        "task",
        ["state", "id"],
        unique=False,
        schema="seamark",
        postgresql_where=sa.text("state IN ('failed', 'cancelled')"),
    )
    op.create_index("task_name_ix", "task", ["name", "id"], unique=False, schema="seamark")
    op.create_index(
        "task_slot_key",
        "task",
        ["schedule", "due_at"],
        unique=True,
        schema="seamark",
        postgresql_where=sa.text("schedule IS NOT NULL"),
    )
    op.create_table(
        "task_signal",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("task_signal_pkey")),
        schema="seamark",
    )
    op.create_table(
        "task_worker",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("task_worker_pkey")),
        schema="seamark",
    )


def downgrade() -> None:
    op.drop_table("task_worker", schema="seamark")
    op.drop_table("task_signal", schema="seamark")
    op.drop_index(
        "task_slot_key", table_name="task", schema="seamark", postgresql_where=sa.text("schedule IS NOT NULL")
    )
    op.drop_index("task_name_ix", table_name="task", schema="seamark")
    op.drop_index(
        "task_ended_ix",
        table_name="task",
        schema="seamark",
        postgresql_where=sa.text("state IN ('failed', 'cancelled')"),
    )
    op.drop_index("task_due_ix", table_name="task", schema="seamark", postgresql_where=sa.text("state = 'queued'"))
    op.drop_table("task", schema="seamark")
