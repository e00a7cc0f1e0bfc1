"""No more titles"""

from alembic import op

revision = "shelf_0005"
down_revision = "shelf_0004"
branch_labels = None
depends_on = None
kind = "contract"
runs_since = "shelf_0004"


def upgrade() -> None:
    op.execute("ALTER TABLE shelf.book DROP COLUMN title")


def downgrade() -> None:
    raise NotImplementedError("the next release mends what this one got wrong")
