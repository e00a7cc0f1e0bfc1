"""Fills the templates. Their names and texts hold the placeholders of ``Names``."""

import json
from pathlib import Path
from string import Template

from host.scaffold.names import Names

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".template"


def write(names: Names, clone: Path) -> list[Path]:
    """The files of the new module, below ``clone``/modules."""
    placeholders = names.placeholders() | browser_versions(clone)
    folder = clone / "modules" / names.name
    written = []
    for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        path = folder / file_name(template, names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(template.read_text()).substitute(placeholders))
        written.append(path)
    return written


def file_name(template: Path, names: Names) -> str:
    relative = str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX)
    return relative.replace("NAME", names.name).replace("ITEMS", names.placeholders()["Items"])


def browser_versions(clone: Path) -> dict[str, str]:
    """Of the clone's packages, and of those that every page uses: those of the shell, so that there is one React."""
    package = json.loads((clone / "host/client_app/package.json").read_text())
    shell = package["dependencies"]
    return {
        "version": package["version"],
        "react": shell["react"],
        "react_query": shell["@tanstack/react-query"],
        "lucide": shell["lucide-react"],
    }
