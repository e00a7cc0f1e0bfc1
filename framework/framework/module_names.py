"""What a module may be called: one name for its folder, package, URL prefix, schema, branch and settings."""

import json
import keyword
import sys
from importlib.metadata import Distribution, EntryPoint
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

RESERVED = frozenset(
    {"seamark", "public", "api", "build", "health", "metrics", "docs", "host", "framework", "tests", "migrations"}
)
# Postgres' reserved words that are lower-case Python identifiers (SQL key words, appendix C): a schema of this name would need quotes.
SQL_KEYWORDS = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with""".split()
)


def refusal(name: str) -> str | None:
    """Why no module can have this name, if so."""
    if not name.isidentifier() or not name.isascii() or name != name.lower() or name.startswith("_"):
        return "is not a lower-case Python identifier"
    if keyword.iskeyword(name):
        return "is a keyword of Python"
    if name in RESERVED or name.startswith("pg_"):
        return "is reserved"
    if name in SQL_KEYWORDS:
        return "is an SQL keyword"
    if name in sys.stdlib_module_names:
        return "is a module of Python's standard library"
    return None


def package_location(name: str) -> Path | None:
    """The folder of a package, found without importing it."""
    spec = find_spec(name)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def stranger(point: EntryPoint) -> Path | None:
    """Where Python would import ``point.name`` from, when that is not the distribution which declares the module."""
    found = package_location(point.name)
    if found is None or point.dist is None or _provides(point.dist, found.resolve()):
        return None
    return found


def _provides(distribution: Distribution, package: Path) -> bool:
    """By the project's folder of an editable installation (PEP 610), else by the list of what was installed (PEP 376)."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return package.is_relative_to(Path(url2pathname(urlsplit(origin["url"]).path)).resolve())
    files = distribution.files
    if files is None:
        return True
    return any(
        Path(str(file.locate())).resolve().is_relative_to(package) for file in files if file.parts[0] == package.name
    )
