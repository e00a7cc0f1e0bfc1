from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from framework.application import Application
from framework.module import Module, Permission
from framework.rate_limits import Per, RateLimit

from users.authentication import authentication, last_seen
from users.bootstrap import bootstrap
from users.checks import checks
from users.commands import create_admin
from users.gauges import gauges
from users.routes import router
from users.settings import UsersSettings
from users.tasks import purge_sessions, schedules


@asynccontextmanager
async def lifespan(application: Application) -> AsyncIterator[None]:
    await bootstrap(application)
    async with last_seen.flushing(application.database):
        yield


module = Module(
    name="users",
    label="Users",
    router=router,
    pages=("/users/sign-in", "/users/profile"),
    permissions=(
        Permission("users.view", "See accounts and roles"),
        Permission("users.manage", "Create and change accounts and roles"),
    ),
    # An office behind one address signs in together in the morning; a guesser has to spread over addresses.
    rate_limits=(RateLimit("users.sign_in", limit=30, per=Per.ADDRESS, rate_class="sign-in"),),
    settings=UsersSettings,
    tasks=(purge_sessions,),
    schedules=schedules,
    gauges=gauges,
    checks=checks,
    commands=(create_admin,),
    authentication=authentication,
    lifespan=lifespan,
)
