"""Manifests that break a rule, found by the way the boot finds them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from framework.findings import BootError
from framework.loader import load_modules

type Install = Callable[..., Path]


def problems(*enabled: str) -> str:
    """The one message that the boot would print."""
    with pytest.raises(BootError) as refused:
        load_modules(enabled)
    return str(refused.value)
