"""The pytest plugin of every test in the tree: real servers, a database made by the real migrations, the whole application.

Servers start once a run, in the process that controls the workers, and end with it. Each worker has a database and a
Redis database of its own; before each test that uses them they are as the migrations left them.
"""

import os
from typing import Any

import pytest

# Before pytest names framework/tests after their folders and takes the outer one for the package.
import framework  # noqa: F401
from host.testing.servers import SuiteServers

pytest_plugins = ("host.testing.fixtures", "host.testing.people")

SERVERS = pytest.StashKey[SuiteServers]()
THROUGH_PGBOUNCER = "SM_TEST_PGBOUNCER"
"""``SM_TEST_PGBOUNCER=1 pytest …``: the application reaches Postgres through PgBouncer in transaction mode."""
ENVIRONMENT = {
    "SM_ENVIRONMENT": "test",
    "SM_SECRET_KEY": "a secret that signs nothing but what the tests look at",
    "SM_PUBLIC_URL": "https://seamark.test",
    "SM_LOG_FORMAT": "console",
    "SM_LOG_LEVEL": "warning",
    # Hundreds of tests ask from one address. Counted all the same.
    "SM_RATE_LIMITS": "; ".join(
        f"{name}=1000000/1" for name in ("seamark.address", "seamark.principal", "users.sign_in")
    ),
    # A password hash is slow on purpose, and no test is about that.
    "SM_USERS_ARGON2_MEMORY": "8",
    "SM_USERS_ARGON2_ITERATIONS": "1",
}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Before anything is imported: no setting of the developer's shell reaches a test, above all no database."""
    for name in [name for name in os.environ if name.startswith("SM_") and name != THROUGH_PGBOUNCER]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here, as folders that have it in common may be asked for one without the other.
    parser.addoption("--figures", action="store_true", help="keep what fault tests count in docs/reference/faults.md")
    parser.addoption("--long", action="store_true", help="fault tests at the size and for the time that the bar names")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "direct: what a connection brings along itself, which PgBouncer does not pass on"
    )
    config.stash[SERVERS] = SuiteServers(config.rootpath, pgbouncer=bool(os.environ.get(THROUGH_PGBOUNCER)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get(THROUGH_PGBOUNCER):
        for item in items:
            if item.get_closest_marker("direct"):
                item.add_marker(pytest.mark.skip("PgBouncer does not pass it on"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist starts a worker: it gets the addresses of the servers that this process keeps."""
    node.workerinput["seamark"] = node.config.stash[SERVERS].start().to_json()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].stop()
