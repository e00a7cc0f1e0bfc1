"""What ``kubectl kustomize`` makes of a folder, as far as the shipped files use it: without the program, and with the file
that each object is from. Files of secrets are not read. What it does not know is an error, never left out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from re import fullmatch
from typing import Any

import yaml

from host.deployment.kubernetes.merging import merged

FILE = "kustomization.yaml"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Of libyaml where there is one, because the same files are read for each overlay."""
KNOWN = {"apiVersion", "kind", "resources", "components", "patches", "images", "configMapGenerator", "secretGenerator"}
GENERATOR = {"name", "namespace", "envs", "files", "literals", "options"}


@dataclass(frozen=True, slots=True)
class Resource:
    """An object for the cluster. ``generated_from``: of a Secret or ConfigMap, what kustomize makes it of."""

    file: Path
    body: dict[str, Any]
    generated_from: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body.get("metadata", {}).get("name", ""))

    @property
    def where(self) -> str:
        """Its file, with the folder, for there may be several of its name."""
        return "/".join(self.file.parts[-2:])

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def render(folder: Path) -> list[Resource]:
    """Names of generated objects have no hash of their content, and Secrets no values.

    Raises ``OSError`` or ``ValueError`` for what kustomize would refuse, and for features of it that are not used here.
    """
    return _applied(folder.resolve(), [])


def _applied(folder: Path, resources: list[Resource]) -> list[Resource]:
    """``resources`` and those of the folder, changed as it says. A component changes what is there already."""
    path = folder / FILE
    said = _document(path)
    if unknown := said.keys() - KNOWN:
        raise ValueError(f"{path} uses {', '.join(sorted(unknown))}, which sm doctor does not read")
    for name in said.get("resources") or ():
        place = folder / name
        resources = resources + (_applied(place.resolve(), []) if place.is_dir() else list(objects(place)))
    resources = resources + [_config_map(path, item) for item in said.get("configMapGenerator") or ()]
    resources = resources + [_secret(path, item) for item in said.get("secretGenerator") or ()]
    for name in said.get("components") or ():
        resources = _applied((folder / name).resolve(), resources)
    for patch in said.get("patches") or ():
        resources = _patched(folder, patch, resources)
    for image in said.get("images") or ():
        resources = [replace(item, body=_with_image(item.body, image)) for item in resources]
    return resources


def objects(path: Path) -> Iterator[Resource]:
    """The objects in a file."""
    for body in _documents(path):
        if not isinstance(body, dict) or "kind" not in body:
            raise ValueError(f"{path} holds something that is no object of Kubernetes")
        yield Resource(path, body)


def _document(path: Path) -> dict[str, Any]:
    documents = _documents(path)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise ValueError(f"{path} must hold one document")
    return documents[0]


def _documents(path: Path) -> list[Any]:
    try:
        return [document for document in yaml.load_all(path.read_text(), LOADER) if document is not None]
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from None


def _patched(folder: Path, patch: dict[str, Any], resources: list[Resource]) -> list[Resource]:
    if unknown := patch.keys() - {"path", "target"} or patch.get("target", {}).keys() - {"kind", "name"}:
        raise ValueError(f"{folder / FILE}: a patch uses {', '.join(sorted(unknown))}, which sm doctor does not read")
    for change in objects(folder / patch["path"]):
        target = patch.get("target") or {"kind": change.kind, "name": change.name}
        body = {key: value for key, value in change.body.items() if key not in ("apiVersion", "kind", "metadata")}
        chosen = [item for item in resources if _is_target(item, target)]
        if not chosen and "target" not in patch:
            raise ValueError(f"{change.file} changes {change}, which is not there")
        resources = [replace(item, body=merged(item.body, body)) if item in chosen else item for item in resources]
    return resources


def _is_target(item: Resource, target: dict[str, str]) -> bool:
    return all(fullmatch(pattern, getattr(item, field)) for field, pattern in target.items())


def _with_image(body: dict[str, Any], image: dict[str, str]) -> dict[str, Any]:
    """Every ``image:`` of that name, wherever a list of containers is."""
    if not isinstance(body, dict):
        return body
    result: dict[str, Any] = {}
    for field, value in body.items():
        if isinstance(value, list):
            result[field] = [_with_image(item, image) for item in value]
        elif field == "image" and value == image["name"]:
            result[field] = _reference(image)
        else:
            result[field] = _with_image(value, image) if isinstance(value, dict) else value
    return result


def _reference(image: dict[str, str]) -> str:
    name = image.get("newName", image["name"])
    if "digest" in image:
        return f"{name}@{image['digest']}"
    return f"{name}:{image['newTag']}" if "newTag" in image else name


def _config_map(path: Path, item: dict[str, Any]) -> Resource:
    _refuse_unknown(path, item)
    data = dict(_pair(path, literal) for literal in item.get("literals") or ())
    for name in item.get("envs") or ():
        lines = [line.strip() for line in (path.parent / name).read_text().splitlines()]
        data |= dict(_pair(path.parent / name, line) for line in lines if line and not line.startswith("#"))
    for name in item.get("files") or ():
        key, _, file = name.rpartition("=")
        data[key or Path(file).name] = (path.parent / file).read_text()
    return Resource(path, _generated("ConfigMap", item) | {"data": data}, item)


def _secret(path: Path, item: dict[str, Any]) -> Resource:
    _refuse_unknown(path, item)
    names = [name.partition("=")[0].rpartition("/")[2] for name in item.get("files") or ()]
    return Resource(path, _generated("Secret", item) | {"type": "Opaque", "data": dict.fromkeys(names, "")}, item)


def _generated(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": item["name"], **({"namespace": item["namespace"]} if "namespace" in item else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata | item.get("options", {})}


def _refuse_unknown(path: Path, item: dict[str, Any]) -> None:
    if unknown := (item.keys() - GENERATOR) | (item.get("options", {}).keys() - {"annotations", "labels"}):
        raise ValueError(f"{path}: a generator uses {', '.join(sorted(unknown))}, which sm doctor does not read")


def _pair(path: Path, line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise ValueError(f"{path}: {line!r} is no variable and its value")
    return name.strip(), value
