"""This clone as its next release will be: the same, but for an answer with one more field and pages that say so."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from host.dev.environment import CLONE

CHANGES = {
    "modules/contacts/contacts/schemas.py": (
        "    organisation: str | None\n",
        '    organisation: str | None\n    nickname: str = "?"\n',
    ),
    "modules/contacts/frontend/texts.ts": ('"Contacts"', '"People"'),
}


def make_next_release(folder: Path) -> Path:
    """A copy with its browser application built; ``folder`` must not be there yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CLONE,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = CLONE / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (folder / "node_modules").symlink_to(CLONE / "node_modules")
    for name, (old, new) in CHANGES.items():
        text = (folder / name).read_text()
        assert old in text, f"{name} has no {old}"
        (folder / name).write_text(text.replace(old, new, 1))
    subprocess.run(
        [sys.executable, "-m", "host.dev.node", "npx", "vite", "build", "host/client_app"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def paths_of(clone: Path) -> str:
    """``PYTHONPATH`` of a process that is of that release; its distributions come first as well."""
    site = clone / "installed"
    if not site.exists():
        for known in distributions():
            name, root = known.name, _root_of(known)
            if name.startswith("seamark-") and root is not None and root.is_relative_to(CLONE):
                folder = site / f"{name.replace('-', '_')}-{known.version}.dist-info"
                folder.mkdir(parents=True)
                for file in ("METADATA", "entry_points.txt"):
                    (folder / file).write_text(known.read_text(file) or "")
                moved = {"url": (clone / root.relative_to(CLONE)).as_uri(), "dir_info": {"editable": True}}
                (folder / "direct_url.json").write_text(json.dumps(moved))
    folders = (site, clone / "host", clone / "framework", *sorted((clone / "modules").iterdir()))
    return os.pathsep.join(map(str, folders))


def _root_of(known: Distribution) -> Path | None:
    """The folder in the clone that an editable installation is of."""
    told = json.loads(known.read_text("direct_url.json") or "{}").get("url", "")
    return Path(url2pathname(urlsplit(told).path)) if told.startswith("file:") else None
