"""What every process begins with: settings, logging, the enabled manifests and their settings, judged together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from framework.findings import BootError, Finding
from framework.loader import load_modules
from framework.logging import configure
from framework.module import Module
from framework.settings import Settings, enabled_modules, load, settings_of


def read_installation(
    process: str, settings: Settings | None = None, *, log_to: TextIO | None = None
) -> tuple[Settings, tuple[Module, ...]]:
    """The settings and the enabled modules in dependency order. ``process`` and ``log_to`` are for the log.

    Raises one ``BootError`` with all that is wrong in settings and manifests.
    """
    problems: list[Finding] = []
    modules: tuple[Module, ...] = ()
    with _collected(problems):
        settings = settings or load(Settings)
        configure(settings.log_format, settings.log_level, process, stream=log_to)
    with _collected(problems):
        modules = load_modules(settings.modules_enabled if settings else enabled_modules())
    for module in modules:
        if module.settings is not None:
            with _collected(problems):
                settings_of(module.settings)
    if problems or settings is None:
        raise BootError(problems)
    return settings, modules


@contextmanager
def _collected(problems: list[Finding]) -> Iterator[None]:
    try:
        yield
    except BootError as error:
        problems += error.findings
