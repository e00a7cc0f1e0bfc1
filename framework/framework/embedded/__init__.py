"""Real Postgres and Valkey out of wheels, for development and tests, as children of the process that starts them.

Only the wheels' programs are used. Their Python layers are not: they open up the mode of every parent folder
and leave the server running.
"""

from framework.embedded.errors import EmbeddedServerError, MissingWheelError
from framework.embedded.home import data_home
from framework.embedded.leash import Leash
from framework.embedded.postgres import EmbeddedPostgres
from framework.embedded.server import EmbeddedServer
from framework.embedded.valkey import EmbeddedValkey

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedServer",
    "EmbeddedServerError",
    "EmbeddedValkey",
    "Leash",
    "MissingWheelError",
    "data_home",
]
