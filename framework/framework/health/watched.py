"""A check as one process runs it: once for all who ask, within its time, and remembered."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic, perf_counter

import structlog

from framework.application import Application
from framework.health.check import HealthCheck, HealthResult, Status, Unhealthy
from framework.health.shared_run import RUNS, SharedRun, within
from framework.pool import borrow_for

log = structlog.get_logger()


class Watched:
    """``application`` is asked for anew at each run; ``told`` is called with each result."""

    def __init__(
        self,
        check: HealthCheck,
        application: Callable[[], Application],
        told: "Callable[[Watched, HealthResult], None]",
    ) -> None:
        self.check = check
        self.failures = 0
        """In a row, until now."""
        self.noted: Status | None = None
        """The status that the history was told of last."""
        self.result: HealthResult | None = None
        self._application = application
        self._told = told
        self._ran = -float("inf")
        self._shared = SharedRun(self._run)
        self._left: set[asyncio.Future[str | None]] = set()

    async def ask(self) -> HealthResult:
        """Not older than its ``cache``."""
        if self.result is not None and monotonic() - self._ran < self.check.cache:
            return self.result
        return await self._shared.join()

    async def close(self) -> None:
        await self._shared.close()

    def known_since(self, since: datetime | None) -> None:
        """The history knows for how long it has been so."""
        if self.result is not None:
            self.result = replace(self.result, since=since)

    async def _run(self) -> HealthResult:
        check = self.check
        RUNS.labels(check.name).inc()
        began = perf_counter()
        status, remark = await self._outcome()
        milliseconds = round((perf_counter() - began) * 1000, 1)
        before, now = self.result, datetime.now(UTC)
        since = before.since if before and before.status == status else now if before or status != "ok" else None
        result = HealthResult(
            name=check.name,
            module=check.module,
            status=status,
            critical=check.critical,
            closes_module=check.closes_module,
            affects=check.affects,
            remark=remark,
            milliseconds=milliseconds,
            at=now,
            since=since,
        )
        self.failures = 0 if status == "ok" else self.failures + 1
        self.result, self._ran = result, monotonic()
        self._told(self, result)
        return result

    async def _outcome(self) -> tuple[Status, str]:
        wrong: Status = "failed" if self.check.critical else "degraded"
        if self._left:
            return wrong, "the run before does not end, although it was cancelled"
        try:
            return "ok", await within(self.check.timeout, self._question(), self._left) or ""
        except TimeoutError:
            return wrong, f"no answer within {self.check.timeout:g} s"
        except Unhealthy as error:
            return wrong, str(error)
        except Exception as error:  # noqa: BLE001 - whatever a check raises is what it reports
            log.warning("health check failed", check=self.check.name, error=repr(error))
            return wrong, "failed; the log of this process says why"

    async def _question(self) -> str | None:
        # Of what one module's checks hang in, those of others stay free.
        borrow_for(self.check.module)
        return await self.check.run(self._application())
