"""The broker may lose whatever it likes."""

from tests.faults.faults import Faults
from tests.faults.servers import LastingValkey


async def test_what_a_killed_valkey_forgot_is_published_again(faults: Faults, valkey: LastingValkey) -> None:
    await faults.worker("alone", concurrency=1)
    blocker = await faults.enqueue("hold", key="blocker")
    await faults.until(lambda: faults.begun("blocker"))
    waiting = [await faults.enqueue("note", key=f"{number}") for number in range(5)]
    await faults.until(
        lambda: faults.fetchval("SELECT bool_and(publications > 0) FROM seamark.task WHERE name = 'probe.note'")
    )
    valkey.kill()
    valkey.forget()
    meanwhile = await faults.enqueue("note", key="meanwhile")
    valkey.start()
    await faults.release("blocker")
    for task_id in (blocker, *waiting, meanwhile):
        await faults.until(lambda task_id=task_id: faults.ended(task_id))  # type: ignore[misc]
    assert sorted(await faults.effects()) == sorted(["blocker", "meanwhile", *map(str, range(5))])
