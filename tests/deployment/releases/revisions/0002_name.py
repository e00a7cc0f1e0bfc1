"""Books get a name, which is to replace the title"""

from alembic import op

revision = "shelf_0002"
down_revision = "shelf_0001"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    op.execute("ALTER TABLE shelf.book ADD COLUMN name text")


def downgrade() -> None:
    raise NotImplementedError("the next release mends what this one got wrong")
