"""Whether the cluster would take an object: the schemas of Kubernetes, unknown fields refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from framework.findings import Finding

from host.deployment.codes import SM069
from host.deployment.kubernetes.kustomize import Resource

OLDEST = "1.32"
"""The oldest version of Kubernetes that the manifests are for: preStop: sleep is on by default from 1.30."""


def schema_findings(resources: Sequence[Resource]) -> Iterator[Finding]:
    for item in resources:
        if refused := _refused(json.dumps(item.body)):
            yield SM069.finding(
                f"{item.where}: {item}: {refused}", hint="kubectl explain, kubernetes-validate --strict"
            )


@lru_cache(maxsize=256)
def _refused(body: str) -> str:
    import kubernetes_validate  # noqa: PLC0415 - a developers' dependency

    try:
        _validate()(json.loads(body), OLDEST, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        # Objects of an operator's own kinds have no schema here.
        return ""
    return ""


@cache
def _validate() -> Callable[..., Any]:
    from kubernetes_validate import utils  # noqa: PLC0415 - a developers' dependency

    # By itself it reads all definitions, a megabyte, for every object.
    utils.schema_contents = cache(utils.schema_contents)
    validate: Callable[..., Any] = utils.validate
    return validate
