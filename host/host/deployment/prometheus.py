"""Whether Prometheus of one machine asks where its processes answer (SM054)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM054, SM069
from host.deployment.machine.variables import of_machine

FILES = ("deploy/prometheus/*.yml",)
FILE = "deploy/prometheus/prometheus.yml"
JOB = "seamark"
"""Whom the alerts ask for."""
PORT = "SM_METRICS_PORT"
OWN = ("127.0.0.1:", "localhost:", "[::1]:")


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    for path in sorted(clone.glob(FILES[0])):
        name = str(path.relative_to(clone))
        try:
            body = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            yield SM069.finding(f"{name}: {error}".replace("\n", " "), hint="promtool check config, or check rules")
            continue
        if name == FILE:
            yield from _asked(body if isinstance(body, dict) else {}, of_machine(clone).get(PORT))


def _asked(body: dict[str, Any], told: str | None) -> Iterator[Finding]:
    jobs = [job for job in body.get("scrape_configs") or () if job.get("job_name") == JOB]
    if not jobs:
        yield SM054.finding(f"{FILE}: nobody asks for the metrics of the job {JOB}", hint=f"job_name: {JOB}")
    targets = [str(target) for job in jobs for group in job.get("static_configs") or () for target in group["targets"]]
    for target in targets:
        if told and target.startswith(OWN) and target.rpartition(":")[2] != told:
            yield SM054.finding(f"{FILE}: asks at {target}, and {PORT} is {told}", hint=f"127.0.0.1:{told}")
