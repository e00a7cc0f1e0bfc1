"""first"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "users_0001"
down_revision = None
branch_labels = ("users",)
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS users")
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("account_pkey")),
        sa.UniqueConstraint("email", name=op.f("account_email_key")),
        schema="users",
    )
    op.create_index(
        "account_administrator_ix",
        "account",
        ["id"],
        unique=False,
        schema="users",
        postgresql_where=sa.text("administrator"),
    )
    op.create_table(
        "failed_sign_ins",
        sa.Column("email_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("email_digest", name=op.f("failed_sign_ins_pkey")),
        schema="users",
    )
    op.create_index(op.f("failed_sign_ins_last_at_ix"), "failed_sign_ins", ["last_at"], unique=False, schema="users")
    op.create_table(
        "role",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("role_pkey")),
        schema="users",
    )
    op.create_table(
        "account_role",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["users.account.id"], name=op.f("account_role_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role"], ["users.role.name"], name=op.f("account_role_role_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "role", name=op.f("account_role_pkey")),
        schema="users",
    )
    op.create_index(op.f("account_role_role_ix"), "account_role", ["role"], unique=False, schema="users")
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["users.account.id"], name=op.f("session_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("session_pkey")),
        sa.UniqueConstraint("token_digest", name=op.f("session_token_digest_key")),
        schema="users",
    )
    op.create_index(op.f("session_account_id_ix"), "session", ["account_id"], unique=False, schema="users")


def downgrade() -> None:
    op.drop_index(op.f("session_account_id_ix"), table_name="session", schema="users")
    op.drop_table("session", schema="users")
    op.drop_index(op.f("account_role_role_ix"), table_name="account_role", schema="users")
    op.drop_table("account_role", schema="users")
    op.drop_table("role", schema="users")
    op.drop_index(op.f("failed_sign_ins_last_at_ix"), table_name="failed_sign_ins", schema="users")
    op.drop_table("failed_sign_ins", schema="users")
    op.drop_index(
        "account_administrator_ix", table_name="account", schema="users", postgresql_where=sa.text("administrator")
    )
    op.drop_table("account", schema="users")
    op.execute("DROP SCHEMA users")
