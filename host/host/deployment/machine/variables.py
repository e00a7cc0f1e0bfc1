"""What all processes of a machine are told: ``/etc/seamark/seamark.env``, which systemd hands over and others read as ``.env``."""

from configparser import ConfigParser, Error
from pathlib import Path

FILES = "deploy/systemd/*.env"


def of_machine(clone: Path) -> dict[str, str]:
    """Raises ``ValueError`` for a line that is no variable and its value."""
    found: dict[str, str] = {}
    for file in sorted(clone.glob(FILES)):
        parser = ConfigParser(interpolation=None, delimiters=("=",))
        parser.optionxform = str  # type: ignore[method-assign, assignment]
        try:
            parser.read_string(f"[all]\n{file.read_text()}", str(file.relative_to(clone)))
        except Error as error:
            raise ValueError(str(error).replace("\n", " ")) from None
        found |= {name: value.strip("\"'") for name, value in parser["all"].items()}
    return found


def of_machine_if_readable(clone: Path) -> dict[str, str]:
    """For all but systemd, whose part says what is wrong with the file."""
    try:
        return of_machine(clone)
    except ValueError:
        return {}
