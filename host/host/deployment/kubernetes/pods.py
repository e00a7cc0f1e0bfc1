"""What a pod may do, which image it is of, how it is asked and how it ends."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framework.findings import Finding

from host.deployment.codes import SM053, SM054, SM057, SM058, SM059
from host.deployment.image import moves
from host.deployment.kubernetes.processes import Process, Role

IMMUTABLE = re.compile(
    r".+@sha256:[0-9a-f]{64}|.+:v?[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9._-]*|.+:(sha-)?[0-9a-f]{7,40}"
).fullmatch
SHELLS = {"sh", "bash", "dash", "ash"}
LIVE, READY = "/health", "/health/ready"
WORKER_ENDING = 5
"""Seconds for what a worker does after its last task."""


def pod_findings(process: Process) -> Iterator[Finding]:
    yield from _image(process)
    yield from _rights(process)
    yield from _signals(process)
    if process.role is Role.WEB:
        yield from _web_probes(process)
        yield from process.expected.out_of_order(
            f"{process} (terminationGracePeriodSeconds less preStop)",
            {"server.kill": process.grace - _before_stop(process)},
        )
    if process.role is Role.WORKER:
        yield from _worker_probes(process)
        yield from _worker_grace(process)


def _image(process: Process) -> Iterator[Finding]:
    image = str(process.container.get("image", ""))
    # What only prepares a pod is of another project, which may have no name that is never built again.
    if not IMMUTABLE(image) and (moves(image) or not process.is_first):
        yield SM057.finding(
            f"{process} is of the image {image or 'of no name'}",
            hint="name a version or a digest: images: … newTag: 1.4.2 in the overlay's settings/kustomization.yaml",
        )


def _rights(process: Process) -> Iterator[Finding]:
    pod, container = process.pod, process.container
    of_pod = pod.get("securityContext", {})
    own = container.get("securityContext", {})
    both = {**of_pod, **own}
    capabilities = own.get("capabilities", {})
    volumes = [volume for volume in pod.get("volumes", ()) if "hostPath" in volume]
    wrong = {
        "runs as root": both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0,
        "may gain privileges": own.get("allowPrivilegeEscalation") is not False or own.get("privileged") is True,
        "writes to its root file system": own.get("readOnlyRootFilesystem") is not True,
        "keeps capabilities": "ALL" not in capabilities.get("drop", ()) or bool(capabilities.get("add")),
        "has no seccomp profile": both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"),
        "has a token for the cluster": pod.get("automountServiceAccountToken") is not False,
        "has no limit of memory": "memory" not in container.get("resources", {}).get("limits", {}),
        "shares its node's names or files": any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
        or bool(volumes),
    }
    if found := [what for what, holds in wrong.items() if holds]:
        yield SM058.finding(f"{process} {', '.join(found)}", hint="as in deploy/kubernetes/pod/pod.yaml")


def _signals(process: Process) -> Iterator[Finding]:
    first = process.words[0].rpartition("/")[2] if process.words else ""
    if process.is_first:
        # It ends by itself.
        return
    if first in SHELLS or process.words[:2] == ["uv", "run"]:
        yield SM059.finding(
            f"{process} runs its process within {first}",
            hint=f"command: the process itself, such as [sm, web]; it has {' '.join(process.words)}",
        )


def _before_stop(process: Process) -> float:
    """Seconds that pass before SIGTERM is sent; they are part of the grace."""
    hook = process.container.get("lifecycle", {}).get("preStop", {})
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    slept = re.search(r"\bsleep ([0-9.]+)", " ".join(map(str, hook.get("exec", {}).get("command", ()))))
    return float(slept[1]) if slept else 0


def _web_probes(process: Process) -> Iterator[Finding]:
    for name, path in (("livenessProbe", LIVE), ("readinessProbe", READY), ("startupProbe", READY)):
        asked = process.container.get(name, {}).get("httpGet", {})
        if not asked:
            yield SM054.finding(f"{process} has no {name}", hint=f"httpGet: path: {path}, port: http")
        elif asked.get("path") != path:
            yield SM054.finding(f"{process}: its {name} asks for {asked.get('path')}", hint=f"path: {path}")
        elif _port(process, asked.get("port")) != _listens_at(process):
            yield SM054.finding(
                f"{process}: its {name} asks at port {asked.get('port')}, and it listens at {_listens_at(process)}",
                hint="port: http",
            )


def _port(process: Process, said: Any) -> Any:
    named = {port.get("name"): port.get("containerPort") for port in process.container.get("ports", ())}
    return named.get(said, said)


def _listens_at(process: Process) -> int:
    words = process.words
    return int(words[words.index("--port") + 1]) if "--port" in words[:-1] else 8000


def _worker_probes(process: Process) -> Iterator[Finding]:
    probe: Mapping[str, Any] = process.container.get("livenessProbe", {})
    if "worker-alive" not in " ".join(map(str, probe.get("exec", {}).get("command", ()))):
        yield SM054.finding(
            f"{process}: nothing asks whether it consumes", hint="livenessProbe: exec: command: [sm, worker-alive]"
        )


def _worker_grace(process: Process) -> Iterator[Finding]:
    needed = process.expected.seconds("background_tasks.shutdown_grace") + WORKER_ENDING + _before_stop(process)
    if process.grace < needed:
        yield SM053.finding(
            f"{process} is killed after {process.grace:g} s, and its tasks have up to {needed:g}",
            hint="terminationGracePeriodSeconds: preStop, SM_BACKGROUND_TASKS_SHUTDOWN_GRACE and 5 seconds, or more",
        )
