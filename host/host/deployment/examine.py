"""Puts together what the files of a deployment are asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from framework.findings import BootError, Finding
from framework.module import Module

from host.deployment.codes import SM069

LIBRARIES = ("crossplane", "gunicorn", "kubernetes_validate", "uvicorn_worker", "yaml")
"""Developers' dependencies, which an image of the application has not."""

type Examine = Callable[[Path, Sequence[Module]], Iterator[Finding]]
"""Given the folder of the clone and the modules. Yields nothing for files that are not there: nobody needs all of them."""


@dataclass(frozen=True, slots=True)
class Part:
    """``files``: patterns below the clone, for the line that says what was looked at."""

    name: str
    files: tuple[str, ...]
    run: Examine

    def found(self, clone: Path) -> list[Path]:
        return sorted({file for pattern in self.files for file in clone.glob(pattern)})


def missing() -> list[str]:
    """Libraries without which the files cannot be read."""
    return [name for name in LIBRARIES if find_spec(name) is None]


def parts() -> tuple[Part, ...]:
    """Imported here: the libraries that read these files are developers' dependencies."""
    from host.deployment import (  # noqa: PLC0415
        circus,
        compose,
        gunicorn,
        image,
        kubernetes,
        nginx,
        pgbouncer,
        prometheus,
        supervisor,
        systemd,
    )

    return (
        Part("nginx", nginx.FILES, nginx.examine),
        Part("Kubernetes", kubernetes.FILES, kubernetes.examine),
        Part("image", image.FILES, image.examine),
        Part("Compose", compose.FILES, compose.examine),
        Part("gunicorn", gunicorn.FILES, gunicorn.examine),
        Part("supervisor", supervisor.FILES, supervisor.examine),
        Part("circus", circus.FILES, circus.examine),
        Part("systemd", systemd.FILES, systemd.examine),
        Part("PgBouncer", pgbouncer.FILES, pgbouncer.examine),
        Part("Prometheus", prometheus.FILES, prometheus.examine),
    )


def examine(clone: Path, modules: Sequence[Module]) -> list[Finding]:
    """Every part, whatever the others say."""
    return [finding for part in parts() for finding in _asked(part, clone, modules)]


def _asked(part: Part, clone: Path, modules: Sequence[Module]) -> list[Finding]:
    try:
        return list(part.run(clone, modules))
    except BootError as error:
        return error.findings
    except (OSError, ValueError) as error:
        return [SM069.finding(f"{part.name}: {error}", hint="the program it is for says more")]
