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
ENQUEUE = "await task.enqueue(session, …): a row in the same transaction, which a crash neither loses nor doubles"
IN_MODULES = {
    "delay": ENQUEUE,
    "apply_async": ENQUEUE,
    "send_task": ENQUEUE,
    "shared_task": "@task of framework.tasks: it knows nothing of Celery",
}
# A duration is called so, too. So this one is only refused where it is called, under whatever name.
ALSO_A_VALUE = frozenset({"delay"})


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
    """Names that are imported or used; one in a string or a comment is neither."""
    called = {
        node.func.id
        for node in ast.walk(source.syntax)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for node in ast.walk(source.syntax):
        match node:
            case ast.ImportFrom(names=aliases):
                yield from ((alias.name, node.lineno) for alias in aliases)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(word)), *_]):
                yield word, node.lineno
            case ast.Attribute(attr=word, ctx=ast.Load()) | ast.Name(id=word, ctx=ast.Load()) if (
                word not in ALSO_A_VALUE
            ):
                yield word, node.lineno
            case ast.Call(func=ast.Attribute(attr=word)) if word in ALSO_A_VALUE:
                yield word, node.lineno
            case ast.Call(
                func=ast.Name(id="partial") | ast.Attribute(attr="partial"), args=[ast.Attribute(attr=word), *_]
            ) if word in ALSO_A_VALUE:
                yield word, node.lineno
            case (
                ast.Assign(targets=[ast.Name(id=alias)], value=ast.Attribute(attr=word))
                | ast.NamedExpr(target=ast.Name(id=alias), value=ast.Attribute(attr=word))
            ) if word in ALSO_A_VALUE and alias in called:
                yield word, node.lineno
