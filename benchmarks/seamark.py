"""Seamark with everything on, and one route more: ``uvicorn benchmarks.seamark:app``."""

from framework.policies import policy, public
from host.boot import create_app
from host.routes import router

from benchmarks.routes import greet

router.get("/api/greeting")(policy(public)(greet))
app = create_app()
