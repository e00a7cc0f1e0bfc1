"""Kubernetes' strategic merge patch: as JSON merge patch (RFC 7386), but lists of named things are merged by their names."""

from collections.abc import Mapping
from typing import Any

KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
}
"""Lists with a merge key (kubernetes.io, "Update API Objects in Place Using kubectl patch"). Others are replaced."""


def merged(into: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(into)
    for field, value in patch.items():
        if value is None:
            result.pop(field, None)
        elif isinstance(value, dict):
            result[field] = merged(result.get(field) or {}, value)
        elif isinstance(value, list) and _named(field, [*result.get(field, ()), *value]):
            result[field] = _merged_list(result.get(field) or [], value, KEYS[field])
        else:
            result[field] = value
    return result


def _named(field: str, items: list[Any]) -> bool:
    return field in KEYS and all(isinstance(item, dict) and KEYS[field] in item for item in items)


def _merged_list(into: list[dict[str, Any]], patch: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    result = {item[key]: item for item in into}
    for item in patch:
        if item.get("$patch") == "delete":
            result.pop(item[key], None)
        else:
            result[item[key]] = merged(result.get(item[key], {}), item)
    return list(result.values())
