"""Whether a secret is written where it is committed (SM060)."""

from collections.abc import Iterator, Mapping, Sequence

from framework.findings import Finding
from framework.module import Module

from host.deployment.codes import SM060
from host.deployment.kubernetes.kustomize import Resource
from host.deployment.kubernetes.processes import Process
from host.deployment.secrets import WITH_PASSWORD, secret_variables

HINT = "a file that nobody commits: secretGenerator: files: - secrets/sm_…"


def secret_findings(
    processes: Sequence[Process], resources: Sequence[Resource], modules: Sequence[Module]
) -> Iterator[Finding]:
    for item in resources:
        if item.kind == "Secret":
            made_of = item.generated_from
            written = (
                made_of.get("literals")
                if made_of is not None
                else {**item.body.get("data", {}), **item.body.get("stringData", {})}
            )
            if written:
                yield SM060.finding(f"{item.where}: {item} has its values written out", hint=HINT)
    secret = set(secret_variables(modules))
    told: Mapping[str, str]
    for item in resources:
        if item.kind == "ConfigMap":
            yield from _told(f"{item.where}: {item}", item.body.get("data", {}), secret)
    for process in processes:
        told = {entry["name"]: str(entry["value"]) for entry in process.container.get("env", ()) if "value" in entry}
        yield from _told(str(process), told, secret)


def _told(where: str, variables: Mapping[str, str], secret: set[str]) -> Iterator[Finding]:
    for name, value in variables.items():
        if value and (name in secret or WITH_PASSWORD(value)):
            yield SM060.finding(f"{where} says {name}", hint=HINT)
