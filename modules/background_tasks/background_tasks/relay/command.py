"""``sm relay``: a relay without a worker."""

import os
import sys

from framework.migrating.gate import refuse_other_schema

from framework import cli


def relay() -> None:
    """Publish due tasks to the broker, where no worker runs that brings a relay along.

    Any number may run, beside workers, too. Ends at SIGTERM and Ctrl-C, and leaves nothing half done.
    """
    cli.run(refuse_other_schema)
    # In this process's place: the relay needs none of what a command has imported, and signals go straight to it.
    os.execv(sys.executable, [sys.executable, "-m", "background_tasks.relay"])  # noqa: S606 - a constant
