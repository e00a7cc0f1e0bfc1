"""What a check says: a stable code, a level, a message, a hint and an owner (DESIGN: one engine, four doors)."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """Severity, ordered; the boot and ``sm doctor`` fail on ``ERROR``."""

    INFO = 10
    WARNING = 20
    ERROR = 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing, in this installation."""

    code: str
    level: Level
    message: str
    hint: str = ""
    owner: str = "seamark"

    def __str__(self) -> str:
        hint = f"\n      → {self.hint}" if self.hint else ""
        return f"{self.code} {self.message} ({self.owner}){hint}"


_registered: dict[str, "Code"] = {}


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding. ``meaning`` is its entry in the generated reference.

    Raises ``ValueError`` when the same code is declared twice.
    """

    id: str
    title: str
    level: Level
    meaning: str

    def __post_init__(self) -> None:
        if _registered.setdefault(self.id, self) != self:
            raise ValueError(f"check code {self.id} is declared twice")

    def finding(self, message: str, *, hint: str = "", owner: str = "seamark", level: Level | None = None) -> Finding:
        return Finding(self.id, self.level if level is None else level, message, hint, owner)


def all_codes() -> list[Code]:
    """Every code declared so far, by id."""
    return [_registered[key] for key in sorted(_registered)]


class BootError(Exception):
    """The boot stops: every problem found in the phase that failed, in one message."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        count = f"{len(findings)} problem{'s' if len(findings) != 1 else ''}"
        super().__init__("\n".join([f"Seamark cannot start: {count}", *self.lines()]))

    def lines(self) -> list[str]:
        return [f"  {finding}" for finding in self.findings]
