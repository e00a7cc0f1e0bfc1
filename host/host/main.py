"""``uvicorn host.main:app``."""

from framework.findings import BootError

from host.boot import create_app

try:
    app = create_app()
except BootError as error:
    # A list of what to mend; the traceback would bury it.
    raise SystemExit(str(error)) from None
