"""The options of uvicorn and gunicorn on a command line that are gone, do something else than it seems, or lose requests."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from framework.findings import Finding
from framework.rungs import ENDING

from host.deployment.codes import SM050, SM053, SM055, SM056, SM065
from host.deployment.expected import Expected

RECYCLING = ("--limit-max-requests", "--max-requests")
WORKER_CLASS = ("-k", "--worker-class")
CONFIGURED = {"-c", "--config"}
GONE = {
    "--debug": "uvicorn has none any more; --reload is for development",
    "--reload": "it watches the files, and is for development",
}
IGNORED = ("threads", "worker_connections", "limit_request_line", "limit_request_fields", "limit_request_field_size")
"""Of gunicorn, that a worker of uvicorn never hears of."""


def option_findings(where: str, words: Sequence[str], told: Mapping[str, str], expected: Expected) -> Iterator[Finding]:
    """``told``: the variables that its file sets."""
    said = dict(_said(words))
    for option, instead in GONE.items():
        if option in said:
            yield SM065.finding(f"{where}: {option}", hint=instead)
    for option in RECYCLING:
        if said.get(option, "0") != "0":
            yield recycling(f"{where}: {option} {said[option]}")
    worker_class = next((said[option] for option in WORKER_CLASS if option in said), "")
    if not worker_class and not CONFIGURED & said.keys() and any(word.endswith("gunicorn") for word in words):
        worker_class = "sync"
    yield from worker_class_findings(where, worker_class)
    if "uvicorn" in worker_class.lower():
        for option in IGNORED:
            if (written := f"--{option.replace('_', '-')}") in said:
                yield ignored(f"{where}: {written}")
    trusted = (said.get("--forwarded-allow-ips"), told.get("FORWARDED_ALLOW_IPS"), told.get("SM_TRUSTED_PROXIES"))
    if any(value and "*" in value.split(",") for value in trusted):
        yield trusts_all(where)
    yield from _times(where, said, expected)


def _said(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, word in enumerate(words):
        if word.startswith("-"):
            name, _, value = word.partition("=")
            yield name, value or (words[number + 1] if number + 1 < len(words) else "")


def _times(where: str, said: Mapping[str, str], expected: Expected) -> Iterator[Finding]:
    rules: tuple[tuple[tuple[str, ...], Callable[[str, float, Expected], Iterator[Finding]]], ...] = (
        (("--timeout-keep-alive", "--keep-alive"), keep_alive),
        (("--timeout-graceful-shutdown",), shutdown),
        (("--graceful-timeout",), kill),
        (("--timeout", "-t"), heartbeat),
    )
    for options, rule in rules:
        for option in options:
            if option in said:
                yield from rule(f"{where}: {option}", float(said[option]), expected)


def keep_alive(where: str, seconds: float, expected: Expected) -> Iterator[Finding]:
    yield from expected.out_of_order(where, {"server.keep_alive": seconds})


def kill(where: str, seconds: float, expected: Expected) -> Iterator[Finding]:
    """gunicorn's ``graceful_timeout``."""
    yield from expected.out_of_order(where, {"server.kill": seconds})


def shutdown(where: str, seconds: float, expected: Expected) -> Iterator[Finding]:
    """uvicorn's ``--timeout-graceful-shutdown``."""
    needed = expected.seconds("server.shutdown")
    if seconds < needed:
        yield SM053.finding(
            f"{where}: what runs is cancelled after {seconds:g} s, and SM_DRAIN_TIMEOUT gives it {needed:g}",
            hint=f"{needed:g}, or leave it out and use `sm web`",
        )


def heartbeat(where: str, seconds: float, expected: Expected) -> Iterator[Finding]:
    """gunicorn's ``timeout``; 0 is none."""
    needed = max(expected.seconds("request.answer"), expected.seconds("server.shutdown") + ENDING)
    if 0 < seconds <= needed:
        yield SM050.finding(
            f"{where} is {seconds:g} s: no limit for a request, but the silence after which a worker is killed, and it is silent while "
            f"it finishes its last ones, up to {needed:g} s",
            hint="longer than that; SM_REQUEST_DEADLINE is the limit for a request",
        )


def recycling(where: str) -> Finding:
    return SM056.finding(
        f"{where} ends a worker after so many requests, without a drain",
        hint="0; deploy/gunicorn/README.md says what it loses, and what may be done instead",
    )


def trusts_all(where: str) -> Finding:
    return SM055.finding(
        f"{where}: anyone is believed what address is his", hint="the proxies' addresses, by SM_TRUSTED_PROXIES"
    )


def ignored(where: str) -> Finding:
    return SM065.finding(
        f"{where} is not passed on by a worker of uvicorn",
        hint="leave it out; the settings of Seamark hold under every server",
    )


def worker_class_findings(where: str, name: str) -> Iterator[Finding]:
    if name.startswith("uvicorn.workers."):
        yield SM065.finding(
            f"{where}: {name} is uvicorn's old place for it",
            hint="the worker of deploy/gunicorn/gunicorn.conf.py, uvicorn_worker.UvicornWorker, or asgi",
        )
    elif name.endswith("UvicornH11Worker"):
        yield SM065.finding(
            f"{where}: {name} is the slow one, without uvloop and httptools", hint="uvicorn_worker.UvicornWorker"
        )
    elif name in ("sync", "gthread", "gevent", "tornado"):
        yield SM065.finding(
            f"{where}: {name} cannot serve an ASGI application", hint="the worker of gunicorn.conf.py, or asgi"
        )
