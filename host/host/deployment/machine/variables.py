"""What all processes of a machine are told: ``/etc/seamark/seamark.env``, which systemd hands over and others read as ``.env``."""

from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path

FILES = "deploy/systemd/*.env"
OF_ALL = "seamark.env"


def by_file(clone: Path) -> Mapping[str, Mapping[str, str]]:
    """By the names of the files, without their folder. Raises ``ValueError`` for a line that is no variable and its value."""
    return {file.name: _read(file, str(file.relative_to(clone))) for file in sorted(clone.glob(FILES))}


def _read(file: Path, name: str) -> Mapping[str, str]:
    parser = ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    try:
        parser.read_string(f"[all]\n{file.read_text()}", name)
    except Error as error:
        raise ValueError(str(error).replace("\n", " ")) from None
    return {option: value.strip("\"'") for option, value in parser["all"].items()}


def of_machine(clone: Path) -> Mapping[str, str]:
    """Nothing where a file cannot be read: systemd's part says what is wrong with it."""
    try:
        return by_file(clone).get(OF_ALL, {})
    except ValueError:
        return {}
