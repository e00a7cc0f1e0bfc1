"""What a revision calls where Alembic's own operation is not safe to interrupt and to repeat."""

from typing import Any

from alembic import op
from sqlalchemy import text


def create_index_concurrently(name: str, table: str, columns: list[Any], *, schema: str, **options: Any) -> None:
    """Index a table that is in use, without keeping anybody from writing. Takes what ``op.create_index`` takes.

    The only operation of its revision: it commits what came before, and after an interruption the revision runs again.
    A build that was cut short leaves an invalid index, which costs every write and serves no query; it is built anew.
    """
    context = op.get_context()
    with context.autocommit_block():
        # It waits for every transaction that began earlier, and nobody waits for it: so it may take its time.
        op.execute("SET lock_timeout = 0")
        if not context.as_sql and _is_invalid(f"{schema}.{name}"):
            op.drop_index(name, table, schema=schema, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name, table, columns, schema=schema, if_not_exists=True, postgresql_concurrently=True, **options
        )
        op.execute("RESET lock_timeout")


def drop_index_concurrently(name: str, table: str, *, schema: str) -> None:
    """The only operation of its revision, as for ``create_index_concurrently``."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.drop_index(name, table, schema=schema, if_exists=True, postgresql_concurrently=True)
        op.execute("RESET lock_timeout")


def _is_invalid(index: str) -> bool:
    found = op.get_bind().scalar(
        text("SELECT true FROM pg_index WHERE indexrelid = to_regclass(:index) AND NOT indisvalid"), {"index": index}
    )
    return bool(found)
