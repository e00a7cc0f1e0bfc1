"""Alembic's configuration with the revisions of every installed module."""

import os
from pathlib import Path

from alembic.config import Config

from framework.migrating.locations import locations


def alembic_config(root: Path) -> Config:
    """``root`` is the folder that holds ``migrations/env.py``."""
    config = Config(toml_file=root / "pyproject.toml")
    config.set_main_option("script_location", _literal(root / "migrations"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(_literal, locations().values())))
    return config


def _literal(path: Path) -> str:
    return str(path).replace("%", "%%")
