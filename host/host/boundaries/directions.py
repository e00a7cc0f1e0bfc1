"""Imports go host → modules → framework; between modules, by ``contract`` and only where it is required."""

from collections.abc import Iterator, Sequence

from framework.codes import SM009
from framework.findings import Finding
from framework.module import Module

from host.boundaries.exceptions import Exceptions
from host.boundaries.sources import Import, Tree


def foreign_imports(tree: Tree, modules: Sequence[Module], exceptions: Exceptions) -> Iterator[Finding]:
    requires = {module.name: module.requires for module in modules}
    for found in tree.imports:
        importer, imported = found.importer.partition(".")[0], found.imported.partition(".")[0]
        if importer == imported or imported not in {*tree.modules, "host", "framework"}:
            continue
        refused = _refusal(tree, found, requires.get(importer, ()))
        if refused is not None and not exceptions.cover(found):
            message, hint = refused
            yield SM009.finding(
                f"{found.place} imports {found.imported}: {message}", hint=hint, owner=tree.owner(importer)
            )


def _refusal(tree: Tree, found: Import, required: Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with it and what to do, if so."""
    importer, imported = found.importer.partition(".")[0], found.imported.partition(".")[0]
    if importer == "framework":
        return "the framework knows neither the host nor a module", "let the host or the module hand it in"
    if importer == "host":
        if imported == "framework":
            return None
        return "the host loads modules by name", "ask the manifest: framework.loader.load_modules"
    if imported == "framework":
        return None
    if imported == "host":
        return "a module does not know the host", "move what it needs into the framework"
    if found.imported != f"{imported}.contract":
        return f"of {imported} only its contract is for others", f"move what is needed to {imported}/contract.py"
    if imported not in required:
        return f"{importer} does not require {imported}", f'requires=("{imported}",) in the manifest of {importer}'
    return None
