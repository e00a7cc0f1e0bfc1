"""The Python files of the tree and what each imports, read without running any."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Import:
    """``importer`` and ``imported`` are modules' full names; a name of a module in the tree, where it is one."""

    importer: str
    imported: str
    place: str
    """``file:line``, for messages."""
    deferred: bool
    """Inside a function or for the type checker only: it does not happen while the importer is imported."""


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    path: Path
    syntax: ast.Module


@dataclass(slots=True)
class Tree:
    """``sources`` by module name; ``modules`` are the feature modules' names, beside ``host`` and ``framework``."""

    clone: Path
    modules: frozenset[str]
    sources: dict[str, Source] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)

    def owner(self, name: str) -> str:
        """Whose finding it is when something is wrong in ``name``."""
        package = name.partition(".")[0]
        return package if package in self.modules else "seamark"

    def place(self, source: Source, line: int) -> str:
        return f"{source.path.relative_to(self.clone)}:{line}"


def read_tree(clone: Path) -> Tree:
    """Every package of a workspace member; tests are no part of them."""
    members = {folder.parent.name: folder.parent for folder in clone.glob("modules/*/pyproject.toml")}
    tree = Tree(clone, frozenset(members))
    for name, folder in {"host": clone / "host", "framework": clone / "framework", **members}.items():
        for path in sorted((folder / name).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            tree.sources[dotted] = Source(dotted, path, ast.parse(path.read_text(), filename=str(path)))
    for source in tree.sources.values():
        tree.imports += _imports(tree, source)
    return tree


def _imports(tree: Tree, source: Source) -> Iterator[Import]:
    at_once = set(map(id, _at_import(source.syntax.body)))
    for node in ast.walk(source.syntax):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = list(_names(tree, source, node))
            for imported in [*named, *_packages_around(named, source.name)]:
                yield Import(source.name, imported, tree.place(source, node.lineno), id(node) not in at_once)


def _at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the file is imported."""
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=otherwise):
                yield from _at_import(otherwise)
            case _:
                yield statement
                for inner in ("body", "orelse", "finalbody", "handlers"):
                    yield from _at_import(getattr(statement, inner, []))


def _names(tree: Tree, source: Source, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        package = source.name.split(".") if source.path.name == "__init__.py" else source.name.split(".")[:-1]
        base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield inner if inner in tree.sources else base


def _packages_around(names: list[str], importer: str) -> Iterator[str]:
    """Importing ``a.b.c`` runs ``a`` and ``a.b`` first, unless the importer is inside of them."""
    for name in names:
        parts = name.split(".")
        for length in range(2, len(parts)):
            package = ".".join(parts[:length])
            if not f"{importer}.".startswith(f"{package}."):
                yield package
