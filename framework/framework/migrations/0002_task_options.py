"""task options, failures, logs, samples, schedules, subscriptions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "seamark_0002"
down_revision = "seamark_0001"
branch_labels = None
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    for column in (
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("order_key", sa.Text(), nullable=True),
        sa.Column("order_seq", sa.BigInteger(), nullable=True),
        sa.Column("retention", sa.Interval(), nullable=True),
    ):
        op.add_column("task", column, schema="seamark")
    op.execute("CREATE SEQUENCE seamark.task_order_seq")
    op.add_column(
        "task_signal", sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True), schema="seamark"
    )
    for column in (
        sa.Column("queues", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tasks", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("concurrency", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("release", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("stopping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ):
        op.add_column("task_worker", column, schema="seamark")
    op.create_table(
        "task_failure",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("task_id", "attempt", name=op.f("task_failure_pkey")),
        schema="seamark",
    )
    op.create_table(
        "task_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("task_log_pkey")),
        schema="seamark",
    )
    op.create_index(op.f("task_log_task_id_ix"), "task_log", ["task_id"], unique=False, schema="seamark")
    op.create_table(
        "task_sample",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("lag", sa.Float(), nullable=False),
        sa.Column("finished", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("in_broker", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("queue", "at", name=op.f("task_sample_pkey")),
        schema="seamark",
    )
    op.create_table(
        "task_schedule",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("timing", sa.Text(), nullable=False),
        sa.Column("missed", sa.Text(), nullable=False),
        sa.Column("last_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("task_schedule_pkey")),
        schema="seamark",
    )
    op.create_table(
        "subscription",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("ordered", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("retention", sa.Interval(), nullable=True),
        sa.PrimaryKeyConstraint("event", "task", name=op.f("subscription_pkey")),
        schema="seamark",
    )


def downgrade() -> None:
    for table in ("subscription", "task_schedule", "task_sample", "task_log", "task_failure"):
        op.drop_table(table, schema="seamark")
    for column in ("queues", "tasks", "concurrency", "release", "stopping"):
        op.drop_column("task_worker", column, schema="seamark")
    op.drop_column("task_signal", "cancel_requested_at", schema="seamark")
    op.execute("DROP SEQUENCE seamark.task_order_seq")
    for column in ("priority", "unique_key", "order_key", "order_seq", "retention"):
        op.drop_column("task", column, schema="seamark")
