"""SM009: what may import what, and which constructions are not to be had; judged on the sources, by ``make check``.

Folders do not keep modules apart, a checker does. It knows no module by name: packages are found in the tree, and what
a module may import is what its manifest requires.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.findings import Finding
from framework.module import Module

from host.boundaries.cycles import import_cycles
from host.boundaries.directions import foreign_imports
from host.boundaries.exceptions import Exceptions
from host.boundaries.sources import read_tree
from host.boundaries.threads import thread_hops
from host.boundaries.words import forbidden_words


def findings(clone: Path, modules: Sequence[Module], exceptions: Exceptions) -> Iterator[Finding]:
    """Everything in the tree that crosses a boundary, and every exception that nothing needs any more."""
    tree = read_tree(clone)
    yield from foreign_imports(tree, modules, exceptions)
    yield from import_cycles(tree, exceptions)
    yield from forbidden_words(tree)
    yield from thread_hops(modules)
    yield from exceptions.unneeded()
