"""Books have a title"""

from alembic import op

revision = "shelf_0001"
down_revision = None
branch_labels = ("shelf",)
depends_on = None
kind = "expand"


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS shelf")
    op.execute("CREATE TABLE shelf.book (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL)")


def downgrade() -> None:
    raise NotImplementedError("the next release mends what this one got wrong")
