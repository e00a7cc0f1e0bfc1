"""Imports that cross a boundary on purpose, each with its reason. One that nothing needs any more is a finding itself."""

from collections.abc import Iterator, Mapping

from framework.codes import SM009
from framework.findings import Finding

from host.boundaries.sources import Import

# Importer and imported, or a whole package; why it is right here.
ALLOWED: Mapping[tuple[str, str], str] = {
    ("host.testing.people", "users"): "tests sign people in by the real services; the one place of the host that knows a module",
    ("framework.application", "framework.checks"): "types only: an application lists checks, which are given the application",
    ("framework.application", "framework.health"): "it is asked for by those who serve; its checks are given the application",
    ("framework.application", "framework.module"): "types only: an application lists manifests, whose functions are given the application",
    ("framework.tasks.run", "framework.application"): "types only: an application holds what wakes the relays, a task is given the application",
}  # fmt: skip


class Exceptions:
    """Remembers which of them were needed."""

    def __init__(self, allowed: Mapping[tuple[str, str], str] = ALLOWED) -> None:
        self._allowed = allowed
        self._needed: set[tuple[str, str]] = set()

    def cover(self, found: Import) -> bool:
        """Whether this import is one of them; it is needed, then."""
        for importer, imported in self._allowed:
            if found.importer == importer and f"{found.imported}.".startswith(f"{imported}."):
                self._needed.add((importer, imported))
                return True
        return False

    def unneeded(self) -> Iterator[Finding]:
        for importer, imported in self._allowed.keys() - self._needed:
            yield SM009.finding(
                f"the exception for {importer}, which may import {imported}, is not needed any more",
                hint="remove it from host/host/boundaries/exceptions.py",
            )
