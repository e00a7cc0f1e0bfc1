"""What an error tracker does, to a file."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from framework.error_reports import ErrorReport


def write(report: ErrorReport) -> None:
    with Path(os.environ["PROBE_REPORTS"]).open("a") as file:
        file.write(json.dumps(asdict(report), default=str) + "\n")
