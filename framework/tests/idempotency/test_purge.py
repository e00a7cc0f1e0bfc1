"""Expired keys are forgotten, a batch at a time."""

from datetime import timedelta

from fastapi import FastAPI
from framework.idempotency import purge

from .conftest import Witness

FILL = """
INSERT INTO seamark.idempotency_key (user_id, key, fingerprint, expires_at)
SELECT gen_random_uuid(), 'k', 'f', now() + $2 FROM generate_series(1, $1)
"""
EXPIRED, ALIVE = timedelta(seconds=-1), timedelta(hours=1)


async def test_only_what_has_expired_goes_and_no_more_than_a_batch_at_once(app: FastAPI, kept: Witness) -> None:
    await kept.execute(FILL, purge.BATCH + 7, EXPIRED)
    await kept.execute(FILL, 5, ALIVE)
    gone = []
    for _ in range(3):
        async with app.state.application.database.unit_of_work() as session:
            gone.append(await purge.purge_expired(session))
    assert gone == [purge.BATCH, 7, 0]
    assert await kept.fetchval("SELECT count(*) FROM seamark.idempotency_key") == 5


async def test_a_key_that_is_taken_over_just_now_is_passed_by(app: FastAPI, kept: Witness) -> None:
    await kept.execute(FILL, 2, EXPIRED)
    async with kept.transaction():
        await kept.execute("SELECT 1 FROM seamark.idempotency_key LIMIT 1 FOR UPDATE")
        async with app.state.application.database.unit_of_work() as session:
            assert await purge.purge_expired(session) == 1
