"""What can be wrong with how tasks are set up."""

from framework.findings import Code, Level

SM025 = Code(
    "SM025",
    "A task may run longer than its worker's lease",
    Level.ERROR,
    "Soft limit < hard limit < `SM_BACKGROUND_TASKS_LEASE`. The lease is how long Postgres lets a worker hold a task without a "
    "sign of life; a task that may take longer would be taken from a worker that is well.",
)
SM026 = Code(
    "SM026",
    "The broker delivers again too soon",
    Level.ERROR,
    "Where `SM_BACKGROUND_TASKS_VISIBILITY_TIMEOUT` is set: lease ≤ that, and `SM_BACKGROUND_TASKS_REPUBLISH_AFTER` below it. Otherwise the broker "
    "hands out again what a worker works on. Nothing takes effect twice, but workers are kept busy with finding that out.",
)
SM027 = Code(
    "SM027",
    "A worker that stops does not wait for its tasks",
    Level.ERROR,
    "`SM_BACKGROUND_TASKS_SHUTDOWN_GRACE` is above the longest soft limit, so whatever runs may finish. A task that takes longer "
    "begins again after every deployment: give it steps, of which each is within the limit.",
)
SM028 = Code(
    "SM028",
    "Celery is not set up as tasks need it",
    Level.ERROR,
    "Late acknowledgement, rejection when a child is lost, JSON, processes, and limits of the tasks' own. An option of the command line "
    "or a setting of Celery's changed one of them.",
)
SM029 = Code(
    "SM029",
    "The broker may throw messages away",
    Level.ERROR,
    "Redis evicts keys when its memory is full, unless `maxmemory-policy` is `noeviction`.",
)
SM030 = Code(
    "SM030",
    "The broker forgets everything when it restarts",
    Level.ERROR,
    "Neither AOF nor RDB is on. Nothing is lost, because Postgres is the truth, but whatever waited in the broker waits for "
    "`SM_BACKGROUND_TASKS_REPUBLISH_AFTER` once more. Outside production this is a remark only.",
)
SM031 = Code(
    "SM031",
    "Another application uses the same broker",
    Level.WARNING,
    "Keys of a Celery application without a prefix lie in the same Redis database. They do not get into each other's way by their names, "
    "but by memory, eviction and `FLUSHDB`.",
)
SM032 = Code(
    "SM032",
    "The broker is on this machine",
    Level.WARNING,
    "In production `SM_REDIS_URL` names the host that web and workers share. Where all of them are on one machine, silence this with that reason.",
)
SM033 = Code(
    "SM033",
    "Postgres allows fewer connections than the workers need",
    Level.ERROR,
    "Each task that runs has two connections, one for its effect and one for what it signals meanwhile; each relay has one, "
    "each web process `SM_DATABASE_POOL_SIZE`. How many there are say `SM_BACKGROUND_TASKS_WORKERS` and `SM_WEB_PROCESSES`.",
)
SM034 = Code(
    "SM034",
    "A queue holds none of the worker's tasks",
    Level.ERROR,
    "A worker consumes the queues of the tasks that it knows. In any other it would only find what it cannot run.",
)
SM035 = Code(
    "SM035",
    "PgBouncer does not end idle transactions",
    Level.WARNING,
    "Behind PgBouncer a connection cannot bring its own limits along, so nothing takes a task from a worker that froze. "
    "`ALTER ROLE … SET idle_in_transaction_session_timeout` does, for the role that workers use.",
)
