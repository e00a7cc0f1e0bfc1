"""Ports on this machine's loopback."""

import socket
from contextlib import ExitStack, closing, suppress


def is_taken(port: int) -> bool:
    """Whether anything answers or listens there, on IPv4 or IPv6: a browser may resolve `localhost` to either."""
    return any(
        _answers(family, host, port) or not _can_listen(family, host, port)
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
    )


def free_port(preferred: int | None = None) -> int:
    """``preferred`` if nobody has it, else any free one."""
    if preferred is not None and not is_taken(preferred):
        return preferred
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def hold(port: int) -> ExitStack:
    """Keep ``port`` from others until the returned stack is closed, just before the server that is meant to have it starts."""
    held = ExitStack()
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with suppress(OSError):  # no IPv6 on this machine
            listener = held.enter_context(socket.socket(family))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(1)
    return held


def next_free_port(first: int) -> int:
    return next(port for port in range(first, 65536) if not is_taken(port))


def _answers(family: socket.AddressFamily, host: str, port: int) -> bool:
    # BSD lets a second socket listen on 127.0.0.1 while another has the wildcard address, so binding alone says too little.
    try:
        with closing(socket.socket(family)) as probe:
            probe.settimeout(0.5)
            return probe.connect_ex((host, port)) == 0
    except OSError:
        return False


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with closing(socket.socket(family)) as probe:
            # As servers do; otherwise a connection closed a minute ago counts as taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError:
        # No IPv6 on this machine: then nobody can have the port there.
        return family == socket.AF_INET6 and not _can_listen_anywhere_on_ipv6()
    return True


def _can_listen_anywhere_on_ipv6() -> bool:
    try:
        with closing(socket.socket(socket.AF_INET6)) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
