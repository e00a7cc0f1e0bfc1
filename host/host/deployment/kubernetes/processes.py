"""The pods of an installation, and what runs in each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import ceil
from typing import Any

from framework.module import Module

from host.deployment.expected import Expected
from host.deployment.kubernetes.kustomize import Resource

GRACE = 30
"""Seconds of terminationGracePeriodSeconds where it is not said."""


class Role(Enum):
    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"
    MIGRATION = "migration"
    OTHER = "other"


@dataclass(frozen=True, eq=False)
class Process:
    """A container. ``environment``: what the manifests set for it, names that begin with ``SM_`` only."""

    resource: Resource
    container: Mapping[str, Any]
    environment: Mapping[str, str]
    modules: Sequence[Module]
    is_first: bool = False

    def __str__(self) -> str:
        return f"{self.resource.where}: {self.resource}"

    @cached_property
    def expected(self) -> Expected:
        """``SM_TRUSTED_PROXIES`` is judged for itself, so a wrong one keeps nothing else from being read."""
        environment = {name: value for name, value in self.environment.items() if name != "SM_TRUSTED_PROXIES"}
        return Expected(self.modules, environment)

    @property
    def pod(self) -> Mapping[str, Any]:
        return pod_of(self.resource)

    @property
    def words(self) -> list[str]:
        return [str(word) for word in (*self.container.get("command", ()), *self.container.get("args", ()))]

    @property
    def grace(self) -> float:
        return float(self.pod.get("terminationGracePeriodSeconds", GRACE))

    @property
    def role(self) -> Role:
        # A shell's one word may hold all of them.
        words = " ".join(self.words).split()
        if {"migrate", "alembic"} & set(words) and "--check" not in words:
            return Role.MIGRATION
        if "celery" in words:
            return Role.WORKER if "worker" in words else Role.BEAT if "beat" in words else Role.OTHER
        serves = {"uvicorn", "gunicorn"} & set(words) or ("sm" in words and "web" in words)
        return Role.WEB if serves else Role.OTHER


def pod_of(resource: Resource) -> Mapping[str, Any]:
    spec = resource.body.get("spec", {})
    pod: Mapping[str, Any] = spec.get("jobTemplate", {}).get("spec", spec).get("template", {}).get("spec", {})
    return pod


def processes(resources: Sequence[Resource], modules: Sequence[Module]) -> Iterator[Process]:
    """Of every Deployment, Job and CronJob, the containers that run before the others first."""
    data = {item.name: item.body.get("data", {}) for item in resources if item.kind == "ConfigMap"}
    for resource in resources:
        pod = pod_of(resource)
        for field in ("initContainers", "containers"):
            for container in pod.get(field, ()):
                environment: dict[str, str] = {}
                for source in container.get("envFrom", ()):
                    environment |= data.get(source.get("configMapRef", {}).get("name"), {})
                environment |= {item["name"]: str(item.get("value", "")) for item in container.get("env", ())}
                told = {name: value for name, value in environment.items() if name.startswith("SM_")}
                yield Process(resource, container, told, modules, field == "initContainers")


def at_most(resource: Resource, resources: Sequence[Resource]) -> int:
    """Pods of a Deployment when nothing is rolled out."""
    for scaler in resources:
        if scaler.kind == "HorizontalPodAutoscaler" and scaler.body["spec"]["scaleTargetRef"]["name"] == resource.name:
            return int(scaler.body["spec"]["maxReplicas"])
    return int(resource.body["spec"].get("replicas", 1))


def in_a_rollout(resource: Resource, resources: Sequence[Resource]) -> int:
    """Pods of a Deployment that there are at once at worst: those that end are not counted in ``maxSurge``, and there are
    as many of them as are replaced while one of them ends, one ``minReadySeconds`` after the other."""
    spec = resource.body["spec"]
    pods = at_most(resource, resources)
    if spec.get("strategy", {}).get("type") == "Recreate":
        return pods
    said = spec.get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", "25%")
    surge = ceil(pods * int(said[:-1]) / 100) if isinstance(said, str) else int(said)
    grace = pod_of(resource).get("terminationGracePeriodSeconds", GRACE)
    ready = spec.get("minReadySeconds", 0)
    return pods + surge + (min(pods, max(surge, 1) * ceil(grace / ready)) if ready else pods)
