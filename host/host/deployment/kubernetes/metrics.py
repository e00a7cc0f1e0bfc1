"""Whether Prometheus asks where the processes answer (SM054)."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from framework.findings import Finding

from host.deployment.codes import SM054
from host.deployment.kubernetes.kustomize import Resource
from host.deployment.kubernetes.processes import Process, Role

PORT = "prometheus.io/port"
NAME = "metrics"


def metrics_findings(processes: Sequence[Process], resources: Sequence[Resource]) -> Iterator[Finding]:
    for process in processes:
        port = process.expected.settings.metrics_port
        if port is None or process.is_first or process.role not in (Role.WEB, Role.WORKER, Role.BEAT):
            continue
        yield from _asked(process, port)
        yield from _let_in(process, port, resources)


def _asked(process: Process, port: int) -> Iterator[Finding]:
    annotations = process.resource.body["spec"]["template"]["metadata"].get("annotations") or {}
    named = [each["containerPort"] for each in process.container.get("ports", ()) if each.get("name") == NAME]
    for what, said in ((PORT, annotations.get(PORT)), (f"the port {NAME}", named[0] if named else None)):
        if said is not None and str(said) != str(port):
            yield SM054.finding(f"{process}: {what} is {said}, and SM_METRICS_PORT {port}", hint=f"{port} in both")
    host = process.expected.settings.metrics_host
    if host == "localhost" or ip_address(host).is_loopback:
        yield SM054.finding(
            f"{process}: SM_METRICS_HOST is {host}, where no other pod arrives", hint="SM_METRICS_HOST=0.0.0.0"
        )


def _let_in(process: Process, port: int, resources: Sequence[Resource]) -> Iterator[Finding]:
    labels = process.resource.body["spec"]["template"]["metadata"]["labels"]
    policies = [
        item
        for item in resources
        if item.kind == "NetworkPolicy"
        and "Ingress" in item.body["spec"].get("policyTypes", ["Ingress"])
        and item.body["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items()
    ]
    rules = [rule for item in policies for rule in item.body["spec"].get("ingress") or ()]
    open_ = any(not rule.get("ports") or port in {each.get("port") for each in rule["ports"]} for rule in rules)
    if policies and not open_:
        yield SM054.finding(
            f"{process}: no NetworkPolicy lets anybody in at {port}, which is SM_METRICS_PORT",
            hint=f"port: {port} in ground/network.yaml",
        )
