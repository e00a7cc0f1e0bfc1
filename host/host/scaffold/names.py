"""What a new module and the things in it are called."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from framework.module_names import refusal


@dataclass(frozen=True, slots=True)
class Names:
    """``item`` is one of the things that the module keeps: a ``note`` of ``notes``."""

    name: str
    item: str

    @classmethod
    def of(cls, name: str, item: str | None = None) -> "Names":
        return cls(name, item or singular(name))

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").capitalize()

    def placeholders(self) -> dict[str, str]:
        """What the templates may say."""
        return {
            "name": self.name,
            "item": self.item,
            "label": self.label,
            "words": self.label.lower(),
            "item_words": self.item.replace("_", " "),
            "Item": camel(self.item),
            "Items": camel(self.name),
            "distribution": f"seamark-{self.name.replace('_', '-')}",
            "npm_package": f"@seamark/{self.name.replace('_', '-')}",
        }


def singular(name: str) -> str:
    """Good enough for English names of modules; ``--item`` says it otherwise."""
    if name.endswith("ies"):
        return name.removesuffix("ies") + "y"
    return re.sub(r"(?<=[^s])s$", "", name)


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def objections(names: Names, clone: Path) -> Iterator[str]:
    """Why this module cannot be made here: the loader's own rules, and what is there already."""
    reason = refusal(names.name)
    if reason is not None:
        yield f"the module name {names.name!r} {reason}"
    elif (reason := refusal(names.item)) is not None:
        yield f"{names.item!r}, the name of one of its things, {reason}; --item takes another"
    if (clone / "modules" / names.name).exists():
        yield f"modules/{names.name} exists already"
    elif reason is None and find_spec(names.name) is not None:
        yield f"{names.name!r} is the name of an installed Python package"
