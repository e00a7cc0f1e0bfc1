"""What every process that serves or works asks of the database before it begins (SM010)."""

import asyncio

import structlog

from framework.application import Application
from framework.codes import SM014
from framework.database import is_connection_lost
from framework.findings import BootError
from framework.migrating.state import schema_findings

log = structlog.get_logger()
DATABASE_WAIT = 15.0


async def refuse_other_schema(application: Application) -> None:
    """SM010. Waits a little for Postgres, which may be starting beside us; then says that it is not there.

    Raises ``BootError``.
    """
    deadline = asyncio.get_running_loop().time() + DATABASE_WAIT
    while True:
        try:
            findings = await schema_findings(application)
            break
        except Exception as error:
            if not is_connection_lost(error) and not isinstance(error, OSError):
                raise
            if asyncio.get_running_loop().time() > deadline:
                finding = SM014.finding(f"Postgres: {type(error).__name__}: {error}", hint="check SM_DATABASE_URL")
                raise BootError([finding]) from error
            log.info("waiting for Postgres", error=str(error))
            await asyncio.sleep(0.5)
    if findings:
        raise BootError(list(findings))
