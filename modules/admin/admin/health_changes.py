"""When checks changed their mind; the host answers what they say now."""

from framework.health.tables import HealthChange
from framework.listing import Listing
from sqlalchemy import func, select

_change = HealthChange.__table__.c
changes = Listing(
    select(
        _change.id,
        _change.check_name.label("check"),
        _change.status,
        _change.remark,
        _change.at,
        _change.process,
    ),
    id=_change.id,
    sorts={"at": _change.at},
    default_sort="-at",
    search=lambda q: func.strpos(_change.check_name, q) > 0,
)
