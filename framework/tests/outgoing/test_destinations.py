"""What ``SM_OUTGOING_ALLOWED`` says, and what is public without it."""

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from fastapi import FastAPI
from framework.application import Application
from framework.findings import Level
from framework.outgoing import ForbiddenAddress
from framework.outgoing.checks import check_outgoing
from framework.outgoing.destinations import Destinations
from framework.outgoing.public_addresses import is_public


def permits(entries: list[str], host: str, port: int, address: str) -> bool:
    destinations = Destinations.of(entries)
    try:
        destinations.check_host(host, port)
        destinations.check_addresses(host, port, [address])
    except ForbiddenAddress:
        return False
    return True


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:80b::200e"])
def test_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))
    assert permits([], "example.com", 443, address)


@pytest.mark.parametrize(
    "address",
    # Each of these passes ``ipaddress.is_global``.
    ["64:ff9b::7f00:1", "168.63.129.16", "2002:7f00:1::", "192.88.99.1", "::ffff:8.8.8.8", "224.0.1.1", "ff0e::1"],
)
def test_what_only_looks_global_is_not(address: str) -> None:
    assert not is_public(ip_address(address))


def test_a_host_may_be_private_where_it_is_named() -> None:
    assert permits(["api.internal"], "api.internal", 80, "10.0.0.7")
    assert permits(["API.internal."], "api.INTERNAL", 443, "127.0.0.1")
    assert not permits(["api.internal"], "other.internal", 80, "10.0.0.7")
    assert not permits(["api.internal"], "x.api.internal", 80, "10.0.0.7")


def test_a_named_host_is_never_where_clouds_keep_credentials() -> None:
    """Its name may be in somebody else's hands one day."""
    for address in (
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "0.0.0.0",
        "224.0.0.1",
        "168.63.129.16",
    ):
        assert not permits(["api.internal"], "api.internal", 80, address)
    assert permits(["169.254.169.254"], "169.254.169.254", 80, "169.254.169.254")


def test_a_port_is_allowed_for_its_host() -> None:
    assert permits(["api.internal:8080"], "api.internal", 8080, "10.0.0.7")
    assert permits(["api.example.com:8443"], "api.example.com", 8443, "93.184.216.34")
    assert not permits(["api.internal:8080"], "api.internal", 80, "10.0.0.7")
    assert not permits(["api.internal"], "api.internal", 8080, "10.0.0.7")
    assert not permits(["api.internal:8080"], "other.internal", 8080, "93.184.216.34")


def test_a_network_may_be_called_whatever_the_name() -> None:
    assert permits(["10.1.0.0/16"], "api.internal", 443, "10.1.2.3")
    assert permits(["10.1.0.0/16:8080"], "10.1.2.3", 8080, "10.1.2.3")
    assert permits(["[fd00:1::/32]:8080"], "api.internal", 8080, "fd00:1::5")
    assert permits(["fd00:1::/32"], "api.internal", 80, "fd00:1::5")
    assert not permits(["10.1.0.0/16"], "api.internal", 443, "10.2.0.1")
    assert not permits(["10.1.0.0/16"], "api.internal", 6379, "10.1.2.3")
    assert not permits(["10.1.0.0/16:8080"], "api.internal", 443, "10.1.2.3")
    assert not permits(["127.0.0.0/8"], "api.internal", 80, "::ffff:127.0.0.1")


def test_one_forbidden_address_among_several_refuses_the_host() -> None:
    with pytest.raises(ForbiddenAddress):
        Destinations().check_addresses("example.com", 443, ["93.184.216.34", "10.0.0.1"])


@pytest.mark.parametrize(
    "entry",
    [
        "*.internal",
        "http://api.internal",
        "api.internal:http",
        "api:0",
        "api:70000",
        "10.0.0.1/8",
        "0x7f.1",
        "a b",
        "-a",
    ],
)
def test_an_entry_that_cannot_be_read_stops_the_boot(
    build: Callable[..., FastAPI], application_of: Callable[[FastAPI], Application], entry: str
) -> None:
    application = application_of(build(outgoing_allowed=("api.internal", entry)))
    assert [(item.code, item.level) for item in check_outgoing(application)] == [("SM043", Level.ERROR)]
    # Until then, it is as if it were not there.
    assert application.http is not None


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0", "169.254.0.0/16", "100.64.0.0/10"])
def test_a_network_with_a_clouds_credentials_is_warned_of(
    build: Callable[..., FastAPI], application_of: Callable[[FastAPI], Application], entry: str
) -> None:
    application = application_of(build(outgoing_allowed=(entry,)))
    assert [(item.code, item.level) for item in check_outgoing(application)] == [("SM043", Level.WARNING)]


def test_a_file_without_certificates_stops_the_boot(
    build: Callable[..., FastAPI], application_of: Callable[[FastAPI], Application], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for file in (empty, tmp_path / "missing.pem"):
        application = application_of(build(outgoing_ca_file=file))
        assert [(item.code, item.level) for item in check_outgoing(application)] == [("SM043", Level.ERROR)]


def test_usual_settings_are_fine(
    build: Callable[..., FastAPI], application_of: Callable[[FastAPI], Application]
) -> None:
    allowed = ("api.internal:8080", "10.1.0.0/16", "[fd00:1::5]:443", "127.0.0.1:9000", "::1", "localhost")
    assert list(check_outgoing(application_of(build(outgoing_allowed=allowed)))) == []
