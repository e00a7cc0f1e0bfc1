"""${message}"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
<% quoted = lambda value: repr(value).replace("'", '"') %>\
revision = ${quoted(up_revision)}
down_revision = ${quoted(down_revision)}
branch_labels = ${quoted(branch_labels)}
depends_on = ${quoted(depends_on)}
# expand: the release before runs with it and without it. contract: takes away or tightens what an earlier release uses.
kind = "${config.attributes.get("kind", "expand")}"
% if config.attributes.get("kind") == "contract":
# The earlier revision of this module whose release no longer used what is taken away: that one still runs, and can be
# gone back to. Unset: no release before this one runs.
runs_since = None
% endif


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
