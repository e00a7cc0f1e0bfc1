"""What is shown of values whose names say that they are secret."""

import re
from typing import Any

MASK = "**********"
"""As pydantic writes a secret."""

_names_a_secret = re.compile(
    r"pass(word|wd|phrase|code)|secret|token|credential|(api|access|private|signing)[_-]?key|authori[sz]ation|cookie|(^|_)(otp|pin)($|_)",
    re.IGNORECASE,
).search


def masked(value: Any) -> Any:
    """``value``, of dictionaries, lists and plain values, with a mask for whatever stands under a secret's name."""
    match value:
        case dict():
            return {
                name: MASK if inner is not None and _names_a_secret(str(name)) else masked(inner)
                for name, inner in value.items()
            }
        case list():
            return [masked(inner) for inner in value]
        case _:
            return value
