"""first"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "contacts_0001"
down_revision = None
branch_labels = ("contacts",)
depends_on = None
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "expand"


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS contacts")
    op.create_table(
        "import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                name="importstatus",
                native_enum=False,
                length=20,
                schema="contacts",
            ),
            nullable=False,
        ),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("first_row", sa.Integer(), nullable=False),
        sa.Column("first_line", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("started_by", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("import_pkey")),
        schema="contacts",
    )
    op.create_index(op.f("import_finished_at_ix"), "import", ["finished_at"], unique=False, schema="contacts")
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("organisation_pkey")),
        sa.UniqueConstraint("name_key", name=op.f("organisation_name_key_key")),
        schema="contacts",
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(collation="C"), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('simple', search_text)", persisted=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["contacts.organisation.id"], name=op.f("contact_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("contact_pkey")),
        schema="contacts",
    )
    op.create_index(
        "contact_created_ix",
        "contact",
        ["created_at", "id"],
        unique=False,
        schema="contacts",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "contact_email_deleted_ix",
        "contact",
        ["email_key", "deleted_at"],
        unique=False,
        schema="contacts",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "contact_email_live_key",
        "contact",
        ["email_key"],
        unique=True,
        schema="contacts",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "contact_name_ix",
        "contact",
        ["name_key", "id"],
        unique=False,
        schema="contacts",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("contact_organisation_id_ix"), "contact", ["organisation_id"], unique=False, schema="contacts")
    op.create_index("contact_search_ix", "contact", ["search"], unique=False, schema="contacts", postgresql_using="gin")
    op.create_index(
        "contact_updated_ix",
        "contact",
        ["updated_at", "id"],
        unique=False,
        schema="contacts",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "import_chunk",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["contacts.import.id"], name=op.f("import_chunk_import_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("import_chunk_pkey")),
        schema="contacts",
    )
    op.create_table(
        "import_rejection",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cells", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["contacts.import.id"], name=op.f("import_rejection_import_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "position", name=op.f("import_rejection_pkey")),
        schema="contacts",
    )


def downgrade() -> None:
    op.drop_table("import_rejection", schema="contacts")
    op.drop_table("import_chunk", schema="contacts")
    op.drop_index(
        "contact_updated_ix", table_name="contact", schema="contacts", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index("contact_search_ix", table_name="contact", schema="contacts", postgresql_using="gin")
    op.drop_index(op.f("contact_organisation_id_ix"), table_name="contact", schema="contacts")
    op.drop_index(
        "contact_name_ix", table_name="contact", schema="contacts", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index(
        "contact_email_live_key",
        table_name="contact",
        schema="contacts",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(
        "contact_email_deleted_ix",
        table_name="contact",
        schema="contacts",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(
        "contact_created_ix", table_name="contact", schema="contacts", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_table("contact", schema="contacts")
    op.drop_table("organisation", schema="contacts")
    op.drop_index(op.f("import_finished_at_ix"), table_name="import", schema="contacts")
    op.drop_table("import", schema="contacts")
    op.execute("DROP SCHEMA contacts")
