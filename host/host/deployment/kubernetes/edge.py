"""What is between people and the web processes: Ingress, Service, NetworkPolicy, and the controller's own settings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from framework.findings import Finding

from host.deployment.codes import SM050, SM051, SM055, SM061, SM062, SM063
from host.deployment.expected import Expected
from host.deployment.kubernetes.kustomize import Resource
from host.deployment.kubernetes.processes import Process, Role

PREFIX = "nginx.ingress.kubernetes.io/"
TIMES = {"proxy-read-timeout": ("proxy.read", 60.0), "proxy-connect-timeout": ("proxy.connect", 5.0)}
"""The rung of each annotation, and its seconds where it is not set."""
KEEP_ALIVE = ("upstream-keepalive-timeout", 60.0)
BODY = "1m"
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
FORGED = re.compile(r"x-forwarded-for\W+\$(proxy_add_x_forwarded_for|http_x_forwarded_for)", re.IGNORECASE).search
OLD_TLS = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"}
EVERYONE = 8
"""A network whose prefix is shorter than this is no network of one's own."""


def edge_findings(processes: Sequence[Process], resources: Sequence[Resource]) -> Iterator[Finding]:
    web = next((item for item in processes if item.role is Role.WEB and not item.is_first), None)
    if web is None:
        return
    ingresses = [item for item in resources if item.kind == "Ingress"]
    for item in ingresses:
        yield from _ingress(item, web.expected)
    yield from _bodies(ingresses, web.expected)
    yield from _host(ingresses, web.expected)
    yield from _addresses(web, resources)
    yield from _published(resources)


def _annotations(item: Resource) -> Mapping[str, str]:
    said = item.body["metadata"].get("annotations") or {}
    return {name.removeprefix(PREFIX): str(value) for name, value in said.items() if name.startswith(PREFIX)}


def _where(item: Resource) -> str:
    return f"{item.where}: {item}"


def _ingress(item: Resource, expected: Expected) -> Iterator[Finding]:
    said = _annotations(item)
    times = {rung: seconds(said[name]) if name in said else default for name, (rung, default) in TIMES.items()}
    yield from expected.out_of_order(_where(item), times)
    told = expected.settings.proxy_read_timeout
    if "SM_PROXY_READ_TIMEOUT" in expected.environment and times["proxy.read"] < told:
        yield SM050.finding(
            f"{_where(item)} waits {times['proxy.read']:g} s for an answer, and SM_PROXY_READ_TIMEOUT says {told:g}",
            hint="the same in both",
        )
    if "non_idempotent" in said.get("proxy-next-upstream", ""):
        yield SM061.finding(
            f"{_where(item)} repeats POST and PATCH", hint="proxy-next-upstream: error timeout invalid_header"
        )
    if any(FORGED(said.get(name, "")) for name in ("configuration-snippet", "server-snippet")):
        yield SM055.finding(
            f"{_where(item)} passes on what a client wrote into X-Forwarded-For",
            hint="remove the snippet: the controller sets it",
        )
    if "false" in (said.get("force-ssl-redirect"), said.get("ssl-redirect")):
        yield SM062.finding(f"{_where(item)} answers without TLS", hint=f'{PREFIX}force-ssl-redirect: "true"')
    hosts = {host for entry in item.body["spec"].get("tls", ()) for host in entry.get("hosts", ())}
    for rule in item.body["spec"].get("rules", ()):
        if rule.get("host") not in hosts:
            yield SM062.finding(
                f"{_where(item)} has no TLS for {rule.get('host', 'every host')}", hint="list it in spec.tls"
            )


def seconds(said: str) -> float:
    return float(said.removesuffix("s"))


def size(said: str) -> float:
    """Bytes; 0 is without a bound, as for nginx."""
    number, unit = re.fullmatch(r"(\d+)([kmg]?)", said.lower()).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit] or float("inf")


def _bodies(ingresses: Sequence[Resource], expected: Expected) -> Iterator[Finding]:
    found: dict[str, tuple[Resource, float]] = {}
    for item in ingresses:
        said = _annotations(item).get("proxy-body-size", BODY)
        if not re.fullmatch(r"\d+[kmgKMG]?", said):
            yield SM051.finding(f"{_where(item)}: {said} is no size", hint=f"{PREFIX}proxy-body-size: 1m")
            continue
        for rule in item.body["spec"].get("rules", ()):
            found |= {path["path"]: (item, size(said)) for path in rule["http"]["paths"]}
    for path, (item, bytes_) in found.items():
        right = expected.bodies.get(path, expected.settings.max_body)
        if bytes_ != right:
            yield SM051.finding(
                f"{_where(item)} takes {bytes_:g} bytes at {path}, and the application {right}",
                hint=f"{PREFIX}proxy-body-size: {_sized(right)}",
            )
    for path, right in expected.bodies.items():
        if found and path not in found and "{" not in path:
            yield SM051.finding(
                f"No Ingress is for {path}, which takes {right} bytes",
                hint=f"one of its own, pathType: Exact, with {PREFIX}proxy-body-size: {_sized(right)}",
            )


def _sized(count: int) -> str:
    return f"{count // 1024**2}m" if count % 1024**2 == 0 else str(count)


def _host(ingresses: Sequence[Resource], expected: Expected) -> Iterator[Finding]:
    address = urlsplit(expected.settings.public_url)
    hosts = {rule.get("host") for item in ingresses for rule in item.body["spec"].get("rules", ())}
    if ingresses and (address.scheme != "https" or address.hostname not in hosts):
        yield SM062.finding(
            f"SM_PUBLIC_URL is {expected.settings.public_url}, and the Ingress is for {', '.join(map(str, sorted(hosts, key=str)))}",
            hint="SM_PUBLIC_URL=https://<the host of the Ingress> in the overlay's settings.env",
        )


def _addresses(web: Process, resources: Sequence[Resource]) -> Iterator[Finding]:
    said = [part.strip() for part in web.environment.get("SM_TRUSTED_PROXIES", "").split(",") if part.strip()]
    if not said:
        yield SM055.finding(
            "SM_TRUSTED_PROXIES is not set: every client has the address of the ingress controller",
            hint="the network of its pods, in the overlay's settings.env",
        )
    for network in said:
        if network == "*" or ip_network(network, strict=False).prefixlen < EVERYONE:
            yield SM055.finding(
                f"SM_TRUSTED_PROXIES has {network}: anyone may claim any address",
                hint="name the ingress controller's network",
            )
    if not any(_closes(item.body["spec"], web) for item in resources if item.kind == "NetworkPolicy"):
        yield SM055.finding(
            f"{web} is reached by every pod, and each may claim any address",
            hint="a NetworkPolicy as in ground/network.yaml",
        )
    for item in resources:
        if item.kind == "NetworkPolicy" and _chosen(item.body["spec"], web):
            for rule in item.body["spec"].get("ingress", ()):
                if not rule.get("from"):
                    yield SM055.finding(
                        f"{_where(item)} lets everyone in, and each may claim any address",
                        hint="from: the ingress controller",
                    )


def _chosen(spec: Mapping[str, Any], web: Process) -> bool:
    """Whether a NetworkPolicy is about the pods of ``web``."""
    labels = web.resource.body["spec"]["template"]["metadata"]["labels"]
    return all(labels.get(name) == value for name, value in spec["podSelector"].get("matchLabels", {}).items())


def _closes(spec: Mapping[str, Any], web: Process) -> bool:
    return "Ingress" in spec.get("policyTypes", ["Ingress"]) and _chosen(spec, web)


def _published(resources: Sequence[Resource]) -> Iterator[Finding]:
    for item in resources:
        spec = item.body.get("spec", {})
        if item.kind == "Service" and (spec.get("type", "ClusterIP") != "ClusterIP" or spec.get("externalIPs")):
            yield SM063.finding(
                f"{_where(item)} is of type {spec.get('type')}", hint="type: ClusterIP; people come by the Ingress"
            )
        containers = spec.get("template", {}).get("spec", {}).get("containers", ())
        if any(port.get("hostPort") for container in containers for port in container.get("ports", ())):
            yield SM063.finding(f"{_where(item)} has a port of its node", hint="remove hostPort")


def controller_findings(item: Resource, expected: Expected) -> Iterator[Finding]:
    """Of the ConfigMap of the controller itself, which holds for every Ingress."""
    said = {name: str(value) for name, value in (item.body.get("data") or {}).items()}
    name, default = KEEP_ALIVE
    kept = seconds(said[name]) if name in said else default
    yield from expected.out_of_order(_where(item), {"proxy.keep_alive": kept}, SM050)
    if said.get("retry-non-idempotent") == "true":
        yield SM061.finding(f"{_where(item)} repeats POST and PATCH", hint='retry-non-idempotent: "false"')
    forwarded = (
        said.get("use-forwarded-headers") == "true" and said.get("proxy-real-ip-cidr", "0.0.0.0/0") == "0.0.0.0/0"
    )
    if forwarded or said.get("compute-full-forwarded-for") == "true":
        yield SM055.finding(
            f"{_where(item)} believes what a client wrote into X-Forwarded-For",
            hint='use-forwarded-headers: "false", or proxy-real-ip-cidr with the addresses of what is in front',
        )
    if OLD_TLS & set(said.get("ssl-protocols", "").split()):
        yield SM062.finding(f"{_where(item)} speaks {said['ssl-protocols']}", hint="ssl-protocols: TLSv1.2 TLSv1.3")
