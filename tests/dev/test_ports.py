"""Which port is taken, and which is next."""

import socket

import pytest
from framework.embedded.ports import free_port, hold, is_taken, next_free_port


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, ""), (socket.AF_INET6, "::1")]
)
def test_a_listener_takes_the_port_on_whatever_address_localhost_may_be(
    family: socket.AddressFamily, host: str
) -> None:
    # The kernel's choice: of one that was free a moment ago, somebody else's connection may have become.
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        assert is_taken(port)
        assert next_free_port(port) > port
        assert free_port(port) != port
    assert next_free_port(port) == port


def test_a_held_port_is_taken_until_its_server_starts() -> None:
    port = free_port()
    with hold(port):
        assert is_taken(port)
    assert not is_taken(port)
