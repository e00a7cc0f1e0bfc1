"""What may be asked for forty times at once, and then every five seconds."""

from framework.policies import policy, public
from framework.rate_limits import Per, RateLimit

from .routes import router

__all__ = ["router"]

SCARCE = RateLimit("probe.scarce", limit=40, period=200, per=Per.ADDRESS, rate_class="scarce")


@router.get("/scarce")
@policy(public, rate_class="scarce")
async def scarce() -> None: ...
