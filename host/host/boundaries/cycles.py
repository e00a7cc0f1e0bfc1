"""Files that import each other, within one package: each is then only understood with all the others."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from framework.codes import SM009
from framework.findings import Finding

from host.boundaries.exceptions import Exceptions
from host.boundaries.sources import Import, Tree


def import_cycles(tree: Tree, exceptions: Exceptions) -> Iterator[Finding]:
    """One finding for each circle, deferred imports included: they hide a circle, and do not undo it."""
    graph: dict[str, dict[str, Import]] = {name: {} for name in tree.sources}
    for found in tree.imports:
        if found.imported in tree.sources and found.imported != found.importer:
            graph[found.importer].setdefault(found.imported, found)
    _leave_out(graph, exceptions)
    while circle := _circle(graph):
        steps = [graph[importer][imported] for importer, imported in pairwise(circle)]
        yield SM009.finding(
            f"{' → '.join(circle)} import each other",
            hint=f"begin at {steps[-1].place}; move what both need into a file of its own, or let one be handed in",
            owner=tree.owner(circle[0]),
        )
        del graph[circle[-2]][circle[-1]]


def _leave_out(graph: Mapping[str, dict[str, Import]], exceptions: Exceptions) -> None:
    """Deferred imports that close a circle and may: asked only for those, so that an exception nobody needs is found."""
    for importer, imports in graph.items():
        for imported, found in list(imports.items()):
            if found.deferred and _reaches(graph, imported, importer) and exceptions.cover(found):
                del imports[imported]


def _reaches(graph: Mapping[str, Mapping[str, Import]], start: str, target: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        current = waiting.pop()
        if current == target:
            return True
        new = graph[current].keys() - seen
        seen |= new
        waiting += new
    return False


def _circle(graph: Mapping[str, Mapping[str, Import]]) -> list[str]:
    """Names in the order of their imports, the first of them once more at the end."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []
