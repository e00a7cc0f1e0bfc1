"""The timeouts of the framework, and of what is set up around it, innermost first."""

from framework.database import CONNECT_TIMEOUT
from framework.deadline import COMMIT_GRACE
from framework.idempotency import turns
from framework.outgoing import times
from framework.redis_link import PATIENCE
from framework.statement_limit import limits
from framework.timeouts import Configured, Timeout

FIXED = "fixed"
ENDING = 5.0
"""Seconds for what a process does after its last request: closing connections, leaving the lifespans."""


def longest_deadline(configured: Configured) -> float:
    return max([configured.settings.request_deadline, *configured.deadlines])


def outgoing_call(configured: Configured) -> float:
    return min(times.PATIENCE, configured.settings.request_deadline - times.SPARE)


REDIS = (
    Timeout(
        name="redis.exchange",
        ends="An exchange with Redis in a request",
        seconds=lambda _: PATIENCE,
        set_by=FIXED,
        then="the process goes by its own counts until Redis answers again",
        before=("request.deadline",),
    ),
)
OUTGOING = (
    Timeout(
        name="outgoing.connect",
        ends="Connecting to another service",
        seconds=lambda configured: configured.settings.outgoing_connect_timeout,
        set_by="SM_OUTGOING_CONNECT_TIMEOUT",
        then="another attempt, else `504 outgoing.timeout`",
        before=("outgoing.call",),
    ),
    Timeout(
        name="outgoing.pool",
        ends="A turn at another service",
        seconds=lambda configured: configured.settings.outgoing_pool_timeout,
        set_by="SM_OUTGOING_POOL_TIMEOUT",
        then="`503 outgoing.busy`",
        before=("outgoing.call",),
    ),
    Timeout(
        name="outgoing.write",
        ends="Another service's taking nothing",
        seconds=lambda configured: configured.settings.outgoing_write_timeout,
        set_by="SM_OUTGOING_WRITE_TIMEOUT",
        then="another attempt, else `504 outgoing.timeout`",
        before=("outgoing.call",),
    ),
    Timeout(
        name="outgoing.read",
        ends="Another service's silence",
        seconds=lambda configured: configured.settings.outgoing_read_timeout,
        set_by="SM_OUTGOING_READ_TIMEOUT",
        then="another attempt, else `504 outgoing.timeout`",
        before=("outgoing.call",),
    ),
    Timeout(
        name="outgoing.call",
        ends="A call of another service with its retries",
        seconds=outgoing_call,
        set_by="timeout= of the call, SM_REQUEST_DEADLINE",
        then="`504 outgoing.timeout`",
        before=("request.deadline",),
    ),
)
DATABASE = (
    Timeout(
        name="database.connect",
        ends="Connecting to Postgres",
        seconds=lambda _: CONNECT_TIMEOUT,
        set_by=FIXED,
        then="`503 database.unavailable`",
        before=("request.deadline",),
    ),
    Timeout(
        name="database.pool_wait",
        ends="The wait for a connection of the pool",
        seconds=lambda configured: configured.settings.database_pool_timeout,
        set_by="SM_DATABASE_POOL_TIMEOUT",
        then="`503 database.busy`",
        before=("request.deadline",),
    ),
    Timeout(
        name="idempotency.turn",
        ends="The wait for an earlier request with the same key",
        seconds=lambda _: turns.PATIENCE,
        set_by=FIXED,
        then="`409 idempotency.in_progress`",
        before=("request.deadline",),
    ),
    Timeout(
        name="database.lock",
        ends="The wait for a lock",
        seconds=lambda configured: limits(configured.settings)["lock_timeout"],
        set_by="half of SM_DATABASE_STATEMENT_TIMEOUT",
        then="`503 database.locked`",
        before=("database.statement",),
    ),
    Timeout(
        name="database.statement",
        ends="A statement",
        seconds=lambda configured: configured.settings.database_statement_timeout,
        set_by="SM_DATABASE_STATEMENT_TIMEOUT",
        then="`504 database.statement_timeout`",
        before=("request.deadline",),
    ),
)
REQUEST = (
    Timeout(
        name="request.deadline",
        ends="A request",
        seconds=lambda configured: configured.settings.request_deadline,
        set_by="SM_REQUEST_DEADLINE",
        then="`504 request.deadline_exceeded`; its query is cancelled, its transaction rolled back",
        before=("request.answer", "database.idle_in_transaction"),
    ),
    Timeout(
        name="database.idle_in_transaction",
        ends="A transaction that does nothing",
        seconds=lambda configured: limits(configured.settings)["idle_in_transaction_session_timeout"],
        set_by="SM_DATABASE_IDLE_TIMEOUT",
        then="Postgres ends the connection",
    ),
    Timeout(
        name="request.answer",
        ends="The slowest route with its COMMIT",
        seconds=lambda configured: longest_deadline(configured) + COMMIT_GRACE,
        set_by="policy(deadline=…), SM_REQUEST_DEADLINE",
        then="`503 request.outcome_unknown`",
        before=("proxy.read", "server.shutdown"),
    ),
)
AROUND = (
    Timeout(
        name="proxy.connect",
        ends="nginx's connecting to a process",
        seconds=lambda _: 2.0,
        set_by="proxy_connect_timeout",
        then="the next process",
        before=("proxy.read",),
        outside=True,
    ),
    Timeout(
        name="proxy.read",
        ends="nginx's wait for an answer",
        seconds=lambda configured: configured.settings.proxy_read_timeout,
        set_by="proxy_read_timeout, SM_PROXY_READ_TIMEOUT",
        then="`504`, and nobody knows what became of the request",
        outside=True,
    ),
    Timeout(
        name="proxy.keep_alive",
        ends="nginx's keeping an idle connection to a process",
        seconds=lambda _: 4.0,
        set_by="keepalive_timeout of its upstream",
        then="the connection is closed",
        before=("server.keep_alive", "server.drain_delay"),
        outside=True,
    ),
    Timeout(
        name="server.keep_alive",
        ends="A process's keeping an idle connection",
        seconds=lambda configured: configured.settings.web_keep_alive,
        set_by="SM_WEB_KEEP_ALIVE",
        then="the connection is closed",
    ),
    Timeout(
        name="server.drain_delay",
        ends="Serving on after SIGTERM",
        # Without one (development, tests) nobody relies on it.
        seconds=lambda configured: configured.settings.drain_delay or None,
        set_by="SM_DRAIN_DELAY",
        then="no new connections; streams are ended, so that their clients connect elsewhere",
        before=("server.stop",),
    ),
    Timeout(
        name="server.shutdown",
        ends="A process's finishing what it has begun",
        seconds=lambda configured: configured.settings.drain_timeout,
        set_by="SM_DRAIN_TIMEOUT",
        then="what still runs is cancelled",
        before=("server.stop",),
    ),
    Timeout(
        name="server.stop",
        ends="All of a process's ending",
        seconds=lambda configured: configured.settings.drain_delay + configured.settings.drain_timeout + ENDING,
        set_by="SM_DRAIN_DELAY + SM_DRAIN_TIMEOUT + 5",
        then="it has ended",
        before=("server.kill",),
    ),
    Timeout(
        name="server.kill",
        ends="The patience of whoever stops a process",
        seconds=lambda _: 60.0,
        set_by="TimeoutStopSec, stop_grace_period, stopwaitsecs, terminationGracePeriodSeconds less preStop",
        then="SIGKILL",
        outside=True,
    ),
)
rungs = (*REDIS, *OUTGOING, *DATABASE, *REQUEST, *AROUND)
