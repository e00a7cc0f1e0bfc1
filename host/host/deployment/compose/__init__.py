"""What is asked of docker-compose.yml."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM053, SM054, SM055, SM057, SM058, SM059, SM060, SM062, SM063, SM066
from host.deployment.compose.connections import connection_findings
from host.deployment.compose.reading import FILE, Compose, Service
from host.deployment.image import LIVE, moves
from host.deployment.machine.program import Role

FILES = (FILE,)
LONG_RUNNING = (Role.WEB, Role.WORKER, Role.BEAT)
ENDED = "service_completed_successfully"


def examine(clone: Path, modules: Sequence[Module]) -> Iterator[Finding]:
    if not (clone / FILE).exists():
        return
    compose = Compose(clone, modules)
    for service in compose.services:
        for asked in (_image, _rights, _published, _secrets, _asked, _ending, _migrated, _address):
            yield from asked(service, compose)
        if service.is_own:
            yield from service.program.findings()
    yield from connection_findings(compose)


def _image(service: Service, _: Compose) -> Iterator[Finding]:
    if not service.is_own and moves(service.image):
        yield SM057.finding(
            f"{service.at('image')} is of the image {service.image or 'of no name'}", hint="a version, or a digest"
        )


def _rights(service: Service, _: Compose) -> Iterator[Finding]:
    said = service.body
    limits = said.get("deploy", {}).get("resources", {}).get("limits", {})
    mounted = [str(volume) for volume in said.get("volumes") or ()]
    options = {str(option).replace("=", ":") for option in said.get("security_opt") or ()}
    wrong = {
        "runs as root": str(said.get("user", "root")).partition(":")[0] in ("root", "0"),
        "may gain privileges": bool(said.get("privileged"))
        or not options & {"no-new-privileges:true", "no-new-privileges"},
        "writes to its root file system": said.get("read_only") is not True,
        "keeps capabilities": "ALL" not in (said.get("cap_drop") or ()) or bool(said.get("cap_add")),
        "has no seccomp profile": "seccomp:unconfined" in options,
        "has no limit of memory": not (said.get("mem_limit") or limits.get("memory")),
        "has no limit of processes": not (said.get("pids_limit") or limits.get("pids")),
        "shares its machine's names or files": "host" in {said.get(name) for name in ("network_mode", "pid", "ipc")}
        or any("docker.sock" in volume for volume in mounted),
    }
    if found := [what for what, holds in wrong.items() if holds]:
        yield SM058.finding(f"{service.at()} {', '.join(found)}", hint="<<: *contained, as the other services")


def _published(service: Service, _: Compose) -> Iterator[Finding]:
    if service.body.get("ports") and not service.is_proxy:
        yield SM063.finding(
            f"{service.at('ports')} is reached from outside",
            hint="leave ports out; compose.dev.yml has those of a laptop",
        )


def _secrets(service: Service, _: Compose) -> Iterator[Finding]:
    for name, value in service.environment.items():
        if value and "PASSWORD" in name and not name.endswith("_FILE") and not name.startswith("SM_"):
            yield SM060.finding(f"{service.at('environment')} is told {name}", hint=f"{name}_FILE")


def _asked(service: Service, compose: Compose) -> Iterator[Finding]:
    said = service.body.get("healthcheck") or {}
    words = said.get("test") or []
    text = words if isinstance(words, str) else " ".join(map(str, words))
    none = bool(said.get("disable")) or text == "NONE"
    awaited = any(other.waits_for().get(service.name) == "service_healthy" for other in compose.services)
    if isinstance(words, str) or text.startswith("CMD-SHELL"):
        yield SM059.finding(f"{service.at('healthcheck')}: its health check needs a shell", hint='["CMD", …]')
    if service.role is Role.WEB and (none or (text and f"{LIVE}'" not in f"{text}'".replace('"', "'"))):
        yield SM054.finding(
            f"{service.at('healthcheck')} is asked for {text or 'nothing'}", hint=f"{LIVE}, as the image does by itself"
        )
    elif service.role is Role.WORKER and "worker-alive" not in text:
        yield SM054.finding(
            f"{service.at('healthcheck')}: nothing asks whether it consumes", hint='test: ["CMD", "sm", "worker-alive"]'
        )
    elif awaited and (none or not (text or service.is_own)):
        yield SM054.finding(f"{service.at()} is waited for, and has no health check", hint="healthcheck: test: …")


def _ending(service: Service, compose: Compose) -> Iterator[Finding]:
    if not service.is_proxy:
        return
    if (signal := service.body.get("stop_signal", "SIGQUIT")) != "SIGQUIT":
        yield SM059.finding(
            f"{service.at('stop_signal')}: {signal} ends nginx in the middle of its requests",
            hint="stop_signal: SIGQUIT",
        )
    for web in compose.of(Role.WEB):
        needed = web.program.expected.seconds("proxy.read")
        if service.grace <= needed:
            yield SM053.finding(
                f"{service.at('stop_grace_period')} is killed after {service.grace:g} s, and waits for answers up to {needed:g}",
                hint="stop_grace_period: 60s",
            )


def _migrated(service: Service, compose: Compose) -> Iterator[Finding]:
    if service.role not in LONG_RUNNING or not service.is_own:
        return
    migrations = {item.name for item in compose.of(Role.MIGRATION)}
    awaited = {name for name, until in service.waits_for().items() if until == ENDED}
    if not migrations & awaited:
        yield SM066.finding(
            f"{service.at('depends_on')} does not wait until migrations have ended",
            hint=f"depends_on: migrate: {{condition: {ENDED}}}, which runs `sm migrate`",
        )


def _address(service: Service, compose: Compose) -> Iterator[Finding]:
    if service.role is not Role.WEB:
        return
    settings = service.program.expected.settings
    yield from service.program.expected.out_of_order(
        service.at("environment"),
        {"server.keep_alive": settings.web_keep_alive, "proxy.read": settings.proxy_read_timeout},
    )
    if not settings.is_secure:
        yield SM062.finding(
            f"{service.at('environment')} is told that people come by {settings.public_url}",
            hint="SM_PUBLIC_URL: https://…",
        )
    trusted = service.environment.get("SM_TRUSTED_PROXIES", "").split(",")
    for proxy in (item for item in compose.services if item.is_proxy):
        networks = proxy.body.get("networks")
        own = networks.values() if isinstance(networks, dict) else ()
        addresses = [network["ipv4_address"] for network in own if network and "ipv4_address" in network]
        if "*" not in trusted and not set(addresses) & set(trusted):
            yield SM055.finding(
                f"{service.at('environment')} does not believe {proxy.name} whose request it is",
                hint=f"SM_TRUSTED_PROXIES: {addresses[0] if addresses else 'the ipv4_address of ' + proxy.name}",
            )
