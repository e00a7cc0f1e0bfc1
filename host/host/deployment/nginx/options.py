"""What one version of nginx knows and another does not (SM065)."""

from collections.abc import Iterator
from typing import Any

from framework.findings import Finding

from host.deployment.codes import SM065
from host.deployment.nginx.reading import File, Reading

HTTP2_ON = (1, 25, 1)
"""Since when HTTP/2 is a directive, and no longer a word of ``listen``; also the end of ``ssl on``."""


def options(reading: Reading) -> Iterator[Finding]:
    """Each file by the versions that it says it is for; one that says nothing is for any."""
    for file in reading.files.values():
        for said in _all(file.raw):
            yield from _judge(file, said)


def _judge(file: File, said: dict[str, Any]) -> Iterator[Finding]:
    where, name, args = f"{file.name}:{said['line']}", said["directive"], said["args"]
    late = file.since is not None and file.since >= HTTP2_ON
    early = file.before is not None and file.before <= HTTP2_ON
    if name == "listen" and "http2" in args and late:
        yield SM065.finding(
            f"{where}: from 1.25.1 on `listen … http2` is a warning",
            hint="http2 on; as in deploy/nginx/listen-1.25.conf",
        )
    if name == "http2" and early:
        yield SM065.finding(
            f"{where}: before 1.25.1 there is no `http2 on`",
            hint="listen … ssl http2; as in deploy/nginx/listen-1.22.conf",
        )
    if name == "ssl":
        yield SM065.finding(f"{where}: `ssl on` is gone from 1.25.1 on", hint="listen … ssl;")


def _all(raw: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for said in raw:
        if said["directive"] != "#":
            yield said
        # What is in them are values, not directives.
        if said["directive"] not in ("map", "types", "geo"):
            yield from _all(said.get("block", []))
