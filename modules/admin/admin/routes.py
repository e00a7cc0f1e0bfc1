import os
import socket
from typing import Annotated

import orjson
import structlog
from fastapi import Query, Response
from framework.application import CurrentApplication
from framework.context import CurrentPrincipal
from framework.listing import ListQuery, Page, PageRows
from framework.policies import policy, require
from framework.problems import Problem
from framework.routing import Router

from admin import profiler
from admin.health_changes import changes
from admin.installation import findings_of, modules_of
from admin.schemas import Findings, HealthChangeOut, Modules
from admin.speedscope import document

log = structlog.get_logger()
router = Router("admin")
LONGEST_PROFILE = 25
"""Seconds: within the deadline of every request, so no proxy's patience has to be longer for it."""


@router.get("/modules")
@policy(require("admin.view"))
async def list_modules(application: CurrentApplication) -> Modules:
    """What is installed, what of it is enabled, and what it contributes."""
    return Modules(items=modules_of(application))


@router.get("/findings")
@policy(require("admin.view"))
async def list_findings(application: CurrentApplication) -> Findings:
    """What `sm doctor` says of this process."""
    return Findings(items=await findings_of(application))


@router.get("/health/changes", response_model=Page[HealthChangeOut])
@policy(require("admin.health.view"))
async def list_health_changes(query: ListQuery, application: CurrentApplication) -> PageRows:
    """When a check's status changed, sorted by `at`. A search finds checks whose name holds it."""
    return await changes.page(application.database, query)


@router.post(
    "/profile",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}, 409: {"description": "Another profile is being taken."}},
)
@policy(require("admin.profile"), idempotent=True, rate_class="profile")
async def take_profile(
    principal: CurrentPrincipal, seconds: Annotated[float, Query(ge=1, le=LONGEST_PROFILE)]
) -> Response:
    """What the process that answers does meanwhile, as a file for speedscope; one at a time."""
    process = f"{socket.gethostname()}-{os.getpid()}"
    # Who looked into a running process is worth knowing afterwards.
    log.warning("profile", user=str(principal.user_id), seconds=seconds, process=process)
    try:
        found = await profiler.profile(seconds)
    except profiler.Busy:
        raise Problem(
            409, "admin.profile_running", "This process is being profiled already. Try again later."
        ) from None
    name = f"seamark-{process}"
    return Response(
        orjson.dumps(document(found, name)),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}.speedscope.json"'},
    )
