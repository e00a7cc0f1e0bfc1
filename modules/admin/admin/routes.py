from framework.application import CurrentApplication
from framework.policies import policy, require
from framework.routing import Router

from admin.installation import findings_of, modules_of
from admin.schemas import Findings, Modules

router = Router("admin")


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
