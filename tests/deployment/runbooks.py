"""The runbooks' own command lines."""

import re
import shlex

from host.dev.environment import CLONE

FOLDER = CLONE / "docs" / "runbooks"
FENCE = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")


def commands(name: str) -> list[list[str]]:
    """The words after ``sm`` of each line in a fence that begins with it, in their order."""
    text = (FOLDER / f"{name}.md").read_text()
    lines = [line.strip() for fence in FENCE.findall(text) for line in fence.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("sm ")]
