"""Several processes' metrics as one text, each series with the label ``process`` (Prometheus, "Exposition formats", 0.0.4)."""

from collections.abc import Iterator, Mapping

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HELP = "# HELP "


def merge(texts: Mapping[str, str]) -> str:
    """``texts`` by process, in the form that ``prometheus_client`` writes. What belongs to no process has the name ``""``."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for process, text in texts.items():
        for name, head, lines in _families(text):
            heads.setdefault(name, head)
            samples.setdefault(name, []).extend(_labelled(line, process) for line in lines)
    return "".join(f"{line}\n" for name, head in heads.items() for line in (*head, *samples[name]))


def _families(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, comments and samples. A family begins with its HELP."""
    name, head, lines = "", list[str](), list[str]()
    for line in text.splitlines():
        if line.startswith(HELP):
            if head:
                yield name, head, lines
            name, head, lines = line[len(HELP) :].partition(" ")[0], [line], []
        elif line.startswith("#"):
            head.append(line)
        elif line:
            lines.append(line)
    if head:
        yield name, head, lines


def _labelled(sample: str, process: str) -> str:
    """The label goes first, so that none of the others, whose values may hold anything, has to be read."""
    if not process:
        return sample
    name, brace, rest = sample.partition("{")
    if brace and " " not in name:
        return f'{name}{{process="{process}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{process="{process}"}} {value}'
