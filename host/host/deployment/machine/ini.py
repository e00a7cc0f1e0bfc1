"""Files of sections and options, and the lines that they stand in."""

import re
from configparser import ConfigParser, Error
from pathlib import Path

SECTION = re.compile(r"^\[(?P<name>[^\]]+)\]")
OPTION = re.compile(r"^(?P<name>[^\s=:#;\[][^=:]*?)\s*[=:]")


class Ini:
    """``options``: by section. Raises ``ValueError`` with what is wrong with the file."""

    def __init__(self, file: Path, clone: Path) -> None:
        self.name = str(file.relative_to(clone))
        parser = ConfigParser(interpolation=None, strict=True, inline_comment_prefixes=(" ;", " #"))
        # systemd's names are told apart by their case.
        parser.optionxform = str  # type: ignore[method-assign, assignment]
        try:
            parser.read_string(file.read_text(), self.name)
        except Error as error:
            raise ValueError(str(error).replace("\n", " ")) from None
        self.options = {section: dict(parser[section]) for section in parser.sections()}
        self._lines = dict(_lines(file.read_text()))

    def at(self, section: str, option: str = "") -> str:
        """``file:line`` of the option, or of its section where it is not said."""
        line = self._lines.get((section, option)) or self._lines.get((section, ""))
        return f"{self.name}:{line}" if line else self.name


def _lines(text: str) -> dict[tuple[str, str], int]:
    lines: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if found := SECTION.match(line):
            section = found["name"]
            lines[section, ""] = number
        elif found := OPTION.match(line):
            lines[section, found["name"]] = number
    return lines
