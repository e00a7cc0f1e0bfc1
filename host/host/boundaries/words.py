"""Constructions that are quick to write and wrong here, with what to write instead."""

import ast
from collections.abc import Iterator

from framework.codes import SM009
from framework.findings import Finding

from host.boundaries.sources import Source, Tree

EVERYWHERE = {
    "BaseHTTPMiddleware": "pure ASGI: it costs a tenth and keeps context variables",
    "create_all": "sm migrate new: tables come from revisions",
}
IN_MODULES = {
    "delay": "await task.enqueue(session, …): a row in the same transaction",
    "apply_async": "await task.enqueue(session, …): a row in the same transaction",
    "send_task": "await task.enqueue(session, …): a row in the same transaction",
}


def forbidden_words(tree: Tree) -> Iterator[Finding]:
    for source in tree.sources.values():
        package = source.name.partition(".")[0]
        words = EVERYWHERE | (IN_MODULES if package in tree.modules else {})
        for word, line in _uses(source):
            if instead := words.get(word):
                yield SM009.finding(
                    f"{tree.place(source, line)} uses {word}", hint=instead, owner=tree.owner(source.name)
                )


def _uses(source: Source) -> Iterator[tuple[str, int]]:
    """Names that are imported or called; one in a string or a comment is neither."""
    for node in ast.walk(source.syntax):
        match node:
            case ast.ImportFrom(names=aliases):
                yield from ((alias.name, node.lineno) for alias in aliases)
            case ast.Call(func=ast.Attribute(attr=word)) | ast.Call(func=ast.Name(id=word)):
                yield word, node.lineno
