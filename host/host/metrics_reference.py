"""docs/reference/metrics.md: every metric of every kind of process, from the code that counts."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from framework.metrics.exporter import ANSWERED, SILENT
from framework.metrics.postgres import AVAILABLE
from framework.module import Module
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

type Row = tuple[str, str, str, str]
"""Name, type, labels, meaning."""
OWN = "seamark_"


def counted(modules: Sequence[Module]) -> list[Row]:
    """What processes count themselves, by name."""
    for package in ("framework", *(module.name for module in modules)):
        _import_what_counts(package)
    return sorted(_registered())


def known(modules: Sequence[Module]) -> list[Row]:
    """What is true of the whole installation, or of all processes of a machine, by name."""
    rows = [
        (f"`{name}`", "gauge", labels, text)
        for (name, text), labels in ((ANSWERED, "kind"), (SILENT, ""), (AVAILABLE, ""))
    ]
    for gauges in (gauges for module in modules for gauges in module.gauges):
        rows += [(f"`{name}`", "gauge", ", ".join(gauges.labels), text) for name, text in gauges.gauges]
    return sorted(rows)


def _import_what_counts(package: str) -> None:
    """A process imports only what it needs, and each kind of process counts other things."""
    root = Path(next(iter(import_module(package).__path__)))
    for file in sorted(root.rglob("*.py")):
        if "from prometheus_client import" in file.read_text():
            parts = file.relative_to(root.parent).with_suffix("").parts
            import_module(".".join(parts).removesuffix(".__init__"))


def _registered() -> Iterator[Row]:
    # Asked of the metrics themselves: what is collected names only labels of what has been counted.
    for metric in REGISTRY._collector_to_names:
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith(OWN):
            name = f"{metric._name}_total" if metric._type == "counter" else metric._name
            yield f"`{name}`", str(metric._type), ", ".join(metric._labelnames), metric._documentation
