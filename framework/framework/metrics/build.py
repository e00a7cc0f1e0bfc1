"""Which code this process runs."""

import platform
from importlib.metadata import version

from prometheus_client import Gauge

from framework.settings import Settings

BUILD = Gauge("seamark_build_info", "Always 1: which code the process runs.", ["version", "revision", "python"])


def show_build(settings: Settings) -> None:
    BUILD.labels(version("seamark-framework"), settings.revision, platform.python_version()).set(1)
