"""What fails in real processes reaches whoever collects errors, with nothing of what was sent."""

import json
from pathlib import Path
from typing import Any

from host.trial import Trial

from tests.faults.conftest import Report
from tests.faults.faults import Faults
from tests.faults.web import Replicas

SECRET = "canary-7f3a9c"


async def test_requests_and_tasks_that_fail_are_reported(
    prepared: Trial, faults: Faults, tmp_path: Path, report: Report
) -> None:
    file = tmp_path / "reports"
    settings = {"SM_ERROR_REPORTER": "probe.reports:write", "PROBE_REPORTS": str(file)}
    await faults.worker("reporting", settings)
    async with Replicas(prepared, 1, settings) as replicas:
        answer = await replicas.clients[0].get(f"/api/probe/fault?secret={SECRET}", headers={"cookie": SECRET})
        await faults.enqueue("wrong")
        await faults.until(lambda: kinds(file, 2))
    reports = {each["kind"]: each for each in written(file)}
    request, task = reports["request"], reports["task"]
    report(
        f"reports: {len(reports)} of {len(written(file))} written, of a request and of a task that failed three times"
    )
    assert answer.status_code == 500
    assert request["correlation_id"] == answer.json()["correlation_id"]
    assert (request["name"], request["module"]) == ("GET /api/probe/fault", "probe")
    assert request["chain"][-1]["message"] == f"a fault of ours, with {len(SECRET)} characters"
    assert (task["name"], task["module"], task["chain"][-1]["type"]) == ("probe.wrong", "probe", "LookupError")
    assert SECRET not in file.read_text()


async def kinds(file: Path, number: int) -> bool:
    return len(written(file)) >= number


def written(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
