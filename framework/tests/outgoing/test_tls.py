"""The address that was checked is dialled, and the certificate is asked for the host's name all the same."""

import ssl
import subprocess
from pathlib import Path

import pytest
from framework.outgoing import Refused
from framework.outgoing.destinations import Destinations
from host.testing.service import Service

from .conftest import Client, Start, loopback

NAME = "api.internal"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of ``NAME``, by itself; the key is beside it."""
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    files = ["-keyout", str(file.with_suffix(".key")), "-out", str(file)]
    subprocess.run([*request, *names, *files], check=True, capture_output=True)
    return file


@pytest.fixture
async def service(certificate: Path, start: Start) -> Service:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return await start(tls=tls)


def allowed(service: Service, *names: str) -> Destinations:
    return Destinations.of([f"{name}:{service.port}" for name in names])


async def test_the_name_is_the_hosts(client: Client, service: Service, certificate: Path) -> None:
    http = client(destinations=allowed(service, NAME), resolve=loopback, outgoing_ca_file=certificate)
    response = await http.request("GET", f"https://{NAME}:{service.port}/")
    assert (response.status_code, service.asked[0].headers["host"]) == (200, f"{NAME}:{service.port}")


async def test_another_name_is_refused_and_not_tried_again(
    client: Client, service: Service, certificate: Path, pauses: list[float]
) -> None:
    http = client(destinations=allowed(service, "other.internal"), resolve=loopback, outgoing_ca_file=certificate)
    with pytest.raises(Refused, match="CERTIFICATE_VERIFY_FAILED"):
        await http.request("GET", f"https://other.internal:{service.port}/")
    assert (service.asked, pauses) == ([], [])


async def test_an_authority_that_nobody_named_is_refused(client: Client, service: Service) -> None:
    http = client(destinations=allowed(service, NAME), resolve=loopback)
    with pytest.raises(Refused, match="CERTIFICATE_VERIFY_FAILED"):
        await http.request("GET", f"https://{NAME}:{service.port}/")
    assert service.asked == []
