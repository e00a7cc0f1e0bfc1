"""What Postgres knows: asked for rarely, absent when it does not say, never more than a few series."""

from collections.abc import Callable

from framework.metrics.postgres import MOST, PostgresFigures, PostgresGauges
from framework.settings import Settings

ROWS = PostgresGauges(
    statement="SELECT 'row ' || n, n, CASE n WHEN 1 THEN NULL ELSE n * 2 END FROM generate_series(1, $1::int) AS n ORDER BY n",
    arguments=lambda _: (2,),
    labels=("row",),
    gauges=(("seamark_single", "Once"), ("seamark_double", "Twice")),
)
BROKEN = PostgresGauges(statement="SELECT 1 / 0", gauges=(("seamark_broken", "Never"),))
SLOW = PostgresGauges(statement="SELECT pg_sleep(60)", gauges=(("seamark_slow", "Never"),))
NOW = PostgresGauges(
    statement="SELECT extract(epoch FROM clock_timestamp())", gauges=(("seamark_now", "Now"),), every=3600
)


async def told(figures: PostgresFigures) -> dict[str, list[tuple[tuple[str, ...], float]]]:
    families = await figures.families()
    return {f.name: [(tuple(s.labels.values()), s.value) for s in f.samples] for f in families}


async def test_each_row_is_a_series_and_what_is_null_is_absent(settings: Settings) -> None:
    assert await told(PostgresFigures(settings, [ROWS])) == {
        "seamark_single": [(("row 1",), 1.0), (("row 2",), 2.0)],
        "seamark_double": [(("row 2",), 4.0)],
        "seamark_postgres_available": [((), 1.0)],
    }


async def test_rows_are_taken_up_to_a_bound(settings: Settings) -> None:
    many = PostgresGauges(
        statement=ROWS.statement, arguments=lambda _: (MOST + 1,), labels=ROWS.labels, gauges=ROWS.gauges
    )
    assert len((await told(PostgresFigures(settings, [many])))["seamark_single"]) == MOST


async def test_it_is_asked_once_in_a_while(settings: Settings) -> None:
    figures = PostgresFigures(settings, [NOW])
    assert (await told(figures))["seamark_now"] == (await told(figures))["seamark_now"]


async def test_what_fails_or_comes_late_is_absent_and_the_rest_is_there(settings: Settings) -> None:
    assert await told(PostgresFigures(settings, [BROKEN, ROWS, SLOW])) == await told(PostgresFigures(settings, [ROWS]))


async def test_without_postgres_nothing_of_it_is_said(make_settings: Callable[..., Settings]) -> None:
    nowhere = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere"
    away = make_settings(database_url=nowhere, database_direct_url=nowhere)
    assert await told(PostgresFigures(away, [ROWS])) == {"seamark_postgres_available": [((), 0.0)]}
