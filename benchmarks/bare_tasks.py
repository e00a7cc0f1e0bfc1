"""The floor: a task of Celery's own, with nothing around it: ``celery -A benchmarks.bare_tasks worker``.

Acknowledged late, as Seamark's are; otherwise as Celery comes. What is lost or runs twice, nobody knows.
"""

import os
import time

import redis
from celery import Celery

QUEUE = "bare"
STARTS = "bare-starts"
app = Celery("bare", broker=os.environ["SM_REDIS_URL"])
app.conf.update(task_acks_late=True, task_ignore_result=True, task_default_queue=QUEUE, worker_prefetch_multiplier=1)
client = redis.Redis.from_url(os.environ["SM_REDIS_URL"])


@app.task(name="noop")  # type: ignore[untyped-decorator] # Celery ships no types
def noop(task_id: str) -> None:
    pass


@app.task(name="stamp")  # type: ignore[untyped-decorator]
def stamp() -> None:
    """Says when it has started."""
    client.rpush(STARTS, time.time())
