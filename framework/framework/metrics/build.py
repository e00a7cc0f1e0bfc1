"""Which code this process runs."""

import os
import platform
from importlib.metadata import version

from prometheus_client import Gauge

BUILD = Gauge("seamark_build_info", "Always 1: which code the process runs.", ["version", "revision", "python"])
REVISION = "SM_REVISION"
"""The commit that an image was built of, as its build leaves it in the environment."""


def show_build() -> None:
    BUILD.labels(version("seamark-framework"), os.environ.get(REVISION, ""), platform.python_version()).set(1)
