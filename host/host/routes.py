"""The host's own routes (probes, health, what the browser application asks first, API description, pages) and all modules'."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from framework.application import Application, CurrentApplication
from framework.context import OptionalPrincipal
from framework.health import HealthResult, Status, overall
from framework.metrics import exposition
from framework.module import Module
from framework.policies import optional, policy, public, require
from framework.problems import Problem
from framework.routing import operation_id
from framework.settings import Settings
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from host import shell
from host.built_files import built_files

router = APIRouter(generate_unique_id_function=operation_id)
HOST_PAGES = ("/",)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class NavigationItem(_Answer):
    module: str
    label: str
    path: str
    icon: str
    group: str
    order: int


class SignedInUser(_Answer):
    id: str
    email: str
    name: str
    permissions: list[str]


class AppDescription(_Answer):
    """What the browser application needs to know before it draws anything."""

    name: str
    environment: str
    modules: list[str]
    unavailable: list[str]
    """Those of the modules that do not work just now: their routes answer 503."""
    navigation: list[NavigationItem]
    user: SignedInUser | None


class Health(_Answer):
    status: Status
    checks: list[HealthResult]


class Liveness(_Answer):
    status: Literal["ok"] = "ok"


@router.get("/health", tags=["host"])
@policy(public, cost=0)
async def live() -> Liveness:
    """Liveness: this process answers. Asks nothing of any other service."""
    return Liveness()


@router.get("/health/ready", tags=["host"], responses={503: {}})
@policy(public, cost=0)
async def ready(application: CurrentApplication) -> Response:
    """Readiness: the database answers and fits this code, and this process is to stay. No more, because anyone may ask."""
    is_ready = not application.drain.draining and await application.health.ready()
    return JSONResponse({"status": "ok" if is_ready else "unavailable"}, 200 if is_ready else 503)


@router.get("/admin/health", tags=["host"], responses={200: {"model": Health}, 503: {"model": Health}})
@policy(require("admin.health.view"), essential=True)
async def health(application: CurrentApplication) -> Response:
    """What every enabled module's checks say, a few seconds old at most; 503 only when a critical one fails."""
    results = await application.health.results()
    answer = Health(status=overall(results), checks=results)
    return Response(answer.model_dump_json(), 503 if answer.status == "failed" else 200, media_type="application/json")


@router.get("/admin/metrics", include_in_schema=False)
@policy(require("admin.health.view"), essential=True)
async def metrics(accept: Annotated[str, Header()] = "") -> Response:
    """What this process has counted, for Prometheus: each process is asked by itself."""
    text, media_type = exposition(accept)
    return Response(text, media_type=media_type)


@router.get("/api/app", tags=["host"])
@policy(optional, essential=True)
async def describe_app(application: CurrentApplication, principal: OptionalPrincipal) -> AppDescription:
    """Enabled modules, the navigation that this person may use, and who they are."""
    user = None
    if principal is not None:
        permissions = sorted(principal.permissions)
        user = SignedInUser(
            id=str(principal.user_id), email=principal.email, name=principal.name, permissions=permissions
        )
    held = principal.permissions if principal else frozenset()
    return AppDescription(
        name="Seamark",
        environment=application.settings.environment,
        modules=[module.name for module in application.modules],
        unavailable=sorted(application.health.closed),
        navigation=[item for module in application.modules for item in _navigation(module, held)] if principal else [],
        user=user,
    )


def _navigation(module: Module, held: frozenset[str]) -> list[NavigationItem]:
    return [
        NavigationItem(
            module=module.name, label=item.label, path=item.path, icon=item.icon, group=item.group, order=item.order
        )
        for item in sorted(module.navigation, key=lambda item: item.order)
        if item.permission is None or item.permission in held
    ]


@router.get("/api/openapi.json", include_in_schema=False)
@policy(public)
async def openapi(request: Request) -> JSONResponse:
    """Made when first asked for: a tenth of a second, which nobody may spend twice."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = describe_api(app.state.application.modules)
    return JSONResponse(app.openapi_schema)


@router.get("/api/docs", include_in_schema=False)
@policy(public)
async def docs(application: CurrentApplication) -> Response:
    """Swagger UI loads from a public CDN, so it has a policy of its own, and none of it exists in production."""
    if application.settings.is_production:
        raise Problem(404, "http.not_found", "There is nothing at this address.")
    page = get_swagger_ui_html(openapi_url="/api/openapi.json", title="Seamark API")
    page.headers["content-security-policy"] = (
        "default-src 'self'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
        "style-src 'unsafe-inline' https://cdn.jsdelivr.net; img-src 'self' data: https://fastapi.tiangolo.com"
    )
    return page


def describe_api(modules: Sequence[Module]) -> dict[str, Any]:
    """OpenAPI of all enabled modules; ``x-seamark`` adds each module's pages for the check of the browser routes."""
    document = get_openapi(title="Seamark", version="0.1.0", routes=api_routes(modules))
    pages = {module.name: list(module.pages) for module in modules if module.pages}
    return document | {"x-seamark": {"pages": dict(sorted(pages.items()))}}


def api_routes(modules: Sequence[Module]) -> list[BaseRoute]:
    in_order = sorted(modules, key=lambda module: module.name)
    return [*router.routes, *(route for module in in_order if module.router for route in module.router.routes)]


def collect(application: Application) -> list[BaseRoute]:
    """Every route of the process: the API, the pages of the enabled modules, the built browser application."""
    settings = application.settings
    pages = [*HOST_PAGES, *(page for module in application.modules for page in module.pages)]
    found: Callable[[Request], Awaitable[Response]] = policy(public)(_answer_with(settings, 200))
    # A page loads dozens of them, from memory; probes ask day and night.
    assets = policy(public, cost=0)(built_files(settings.other_builds))
    return [
        *api_routes(application.modules),
        *(Route(page, found, name=f"page {page}") for page in pages),
        Route("/build/{path:path}", assets, name="build"),
        Route("/favicon.ico", assets, name="favicon"),
    ]


def not_found(settings: Settings) -> Route:
    """The application's own not-found page, with the status that says so."""
    return Route("/{path:path}", policy(public)(_answer_with(settings, 404)), name="not found")


def _answer_with(settings: Settings, status: int) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return shell.page(settings, status)

    return answer
