"""What an error tracker does, to a file."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from framework.error_reports import ErrorReport


def write(report: ErrorReport) -> None:
    # At once, whatever its length: other processes write there, too, and somebody reads meanwhile.
    with Path(os.environ["PROBE_REPORTS"]).open("ab", buffering=0) as file:
        file.write(json.dumps(asdict(report), default=str).encode() + b"\n")
