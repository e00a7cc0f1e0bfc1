"""What ``sm dev`` reads from the environment and ``.env``, and what it tells the processes it starts."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CLONE = Path(__file__).resolve().parents[3]
NON_PRODUCTION = ("development", "test", "testing")

# What `sm dev --debug` can make wait for a debugger.
Debugged = Literal["web", "worker"]


class DevError(Exception):
    """``sm dev`` cannot go on; the message is for the person at the keyboard."""


@dataclass(frozen=True)
class Workplace:
    """A clone and the files ``sm dev`` keeps in it."""

    clone: Path = CLONE

    @property
    def folder(self) -> Path:
        return self.clone / ".seamark"

    @property
    def run_env(self) -> Path:
        return self.folder / "run.env"

    @property
    def lock(self) -> Path:
        return self.folder / "dev.lock"

    def configured(self) -> dict[str, str]:
        """The ``SM_`` variables that a person has set: the environment, then ``.env``."""
        return {**_seamarks(self._dotenv()), **_seamarks(os.environ)}

    def refuse_production(self) -> None:
        """Raises ``DevError``. Both places count: the Makefile sets the variable, but a file may tell of a real database."""
        for place, values in (("the environment", os.environ), (".env", self._dotenv())):
            environment = values.get("SM_ENVIRONMENT", NON_PRODUCTION[0])
            if environment not in NON_PRODUCTION:
                raise DevError(
                    f"SM_ENVIRONMENT is {environment!r} in {place}, which means production; `sm dev` is for development. "
                    "Remove it there; docs/running.md says how to start the processes in production."
                )

    def _dotenv(self) -> Mapping[str, str | None]:
        from dotenv import dotenv_values  # noqa: PLC0415 - `sm --help` does without

        return dotenv_values(self.clone / ".env")

    def secret_key(self) -> str:
        """Made once a clone, so that a restart logs nobody out."""
        path = self.folder / "secret_key"
        with suppress(FileExistsError):
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text()

    def write_run_env(self, values: Mapping[str, str]) -> None:
        quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
        self.run_env.unlink(missing_ok=True)
        write_private(self.run_env, "".join(f"{name}='{value}'\n" for name, value in quoted.items()))


def _seamarks(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name.startswith("SM_") and value is not None}


def write_private(path: Path, text: str) -> None:
    """A new file for its owner's eyes only; never readable for others in between."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
