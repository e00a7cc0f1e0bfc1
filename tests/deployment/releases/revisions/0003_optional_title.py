"""The title may be left out, as the next release does"""

from alembic import op

revision = "shelf_0003"
down_revision = "shelf_0002"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    op.execute("ALTER TABLE shelf.book ALTER COLUMN title DROP NOT NULL")


def downgrade() -> None:
    raise NotImplementedError("the next release mends what this one got wrong")
