"""The codes of what may be wrong with the files of a deployment."""

from framework.codes import SM045
from framework.findings import Code, Level

__all__ = ["SM045"]

SM050 = Code(
    "SM050",
    "A time in a file of the deployment is out of order",
    Level.ERROR,
    "nginx, gunicorn, supervisor, circus, systemd, compose and Kubernetes have times of their own, which must fit the ladder of "
    "docs/reference/timeouts.md: a proxy waits longer than the application works, and lets go of idle connections earlier.",
)
SM051 = Code(
    "SM051",
    "Body limits disagree",
    Level.ERROR,
    "The proxy's limit for an address is that of its route (`SM_MAX_BODY`, `policy(max_body=…)`). A larger one stores on its disk what is "
    "refused afterwards, a smaller one refuses what the application takes.",
)
SM052 = Code(
    "SM052",
    "There are not enough connections to Postgres",
    Level.ERROR,
    "Web processes × `SM_DATABASE_POOL_SIZE`, and twice a worker's concurrency and one, and one for each relay and beat, is at most what "
    "Postgres or PgBouncer takes, less a reserve for people and migrations. During a rollout there are more processes.",
)
SM053 = Code(
    "SM053",
    "A process is killed before it has ended",
    Level.ERROR,
    "Whoever stops a web process waits for preStop, `SM_DRAIN_DELAY`, `SM_DRAIN_TIMEOUT` and 5 seconds before it kills; of a worker for "
    "`SM_BACKGROUND_TASKS_SHUTDOWN_GRACE` and 5.",
)
SM054 = Code(
    "SM054",
    "A probe asks for the wrong thing, or what has ended stays away",
    Level.ERROR,
    "Liveness is `/health`, which asks nothing of other services; readiness and start-up are `/health/ready`. A liveness probe on readiness "
    "restarts every process when Postgres is away. A worker's is `sm worker-alive`. Whatever ends is started again, however often "
    "that has failed: for systemd `Restart=always`, `StartLimitIntervalSec=0`, and no `Requires=` of what may fail; for supervisor "
    "`autorestart` and `startretries`, for circus `max_retry = -1`.",
)
SM055 = Code(
    "SM055",
    "The client's address can be forged, or is lost",
    Level.ERROR,
    "`X-Forwarded-For` and `-Proto` are set by the proxy, never passed on as a client wrote them, and believed only from the proxies "
    "that `SM_TRUSTED_PROXIES` names, never from `*`.",
)
SM056 = Code(
    "SM056",
    "A process is replaced in the middle of its work",
    Level.ERROR,
    "Replacing workers by a count of requests (`max_requests`, `--limit-max-requests`) cuts off what is being answered. Memory is bounded by "
    "whoever runs the process, and it is replaced by a rollout.",
)
SM057 = Code(
    "SM057",
    "An image is not named immutably",
    Level.ERROR,
    "`latest`, or a tag that moves, makes a rollback go to the same image. A version or a digest.",
)
SM058 = Code(
    "SM058",
    "A container may do more than it needs",
    Level.ERROR,
    'As in the pod security standard "restricted" (kubernetes.io): not root, no privilege escalation, no capabilities, the default seccomp '
    "profile, a read-only root file system, no service account token, limits of memory.",
)
SM059 = Code(
    "SM059",
    "A signal does not reach the process",
    Level.ERROR,
    "A shell, `uv run` or a wrong signal between whoever stops the process and the process: it is killed in the middle of its work.",
)
SM060 = Code(
    "SM060",
    "A secret is written in a file of the deployment",
    Level.ERROR,
    "Keys and passwords come from files of secrets that nobody commits (`SM_…_FILE`, `/run/secrets`).",
)
SM061 = Code(
    "SM061",
    "A request may be repeated that must not",
    Level.ERROR,
    "A proxy repeats what is safe, idempotent or carries an `Idempotency-Key`; `non_idempotent` anywhere else may apply a change twice.",
)
SM062 = Code(
    "SM062",
    "TLS is missing, or weaker than it should be",
    Level.ERROR,
    "People come by https only, by TLS 1.2 or newer (OWASP ASVS 12.1.1, 12.2.1); http is redirected there.",
)
SM063 = Code(
    "SM063",
    "More is published than the proxy",
    Level.ERROR,
    "Postgres, Redis, the web processes and metrics are reached inside only.",
)
SM064 = Code(
    "SM064",
    "A proxy serves files from the wrong place",
    Level.ERROR,
    "`location /build/` with `root …/dist` looks for `…/dist/build/…`; `alias` or the right folder. Hashed files are cached for ever, others are not.",
)
SM065 = Code(
    "SM065",
    "An option is gone, or does not do what it seems to",
    Level.ERROR,
    "Programs change: an option that is ignored or refused leaves the deployment other than it reads.",
)
SM066 = Code(
    "SM066",
    "New code may start before its database is migrated",
    Level.ERROR,
    "Migrations are a step of their own that the rollout waits for, once, never part of a web process's start.",
)
SM067 = Code(
    "SM067",
    "The proxy's limit disagrees with the application's",
    Level.ERROR,
    "Both count the same client (an IPv6 address by its first 64 bits) and refuse alike: 429, `Retry-After`, a problem document.",
)
SM068 = Code(
    "SM068",
    "Streams or WebSockets do not get through the proxy",
    Level.ERROR,
    "`Connection: upgrade` only where a client asks for it, HTTP/1.1, no buffering of event streams, and no time limit shorter than their heartbeat.",
)
SM069 = Code(
    "SM069",
    "A file of the deployment cannot be read",
    Level.ERROR,
    "It is missing, or the program it is for would refuse it.",
)
