"""certbot gets certificates through the shipped nginx, as deploy/nginx/README.md says it, and renews them."""

import asyncio
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from tests.deployment.authority import Authority, missing
from tests.deployment.conftest import StartNginx
from tests.deployment.nginx import SITE, Nginx

PATIENCE = 20.0
AT_ONCE = ("--no-random-sleep-on-renew",)
"""Else up to eight minutes later, so that an authority is not asked by everybody at midnight."""


@pytest.fixture(autouse=True)
def programs() -> None:
    if missing():
        message = f"{', '.join(missing())} not found: `apt install pebble certbot`"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


async def served(nginx: Nginx) -> x509.Certificate:
    pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", nginx.port), timeout=5)
    return x509.load_pem_x509_certificate(pem.encode())


def issuer(certificate: x509.Certificate) -> str:
    return certificate.issuer.rfc4514_string()


async def test_a_certificate_is_proven_at_port_80_served_and_renewed(start_nginx: StartNginx, tmp_path: Path) -> None:
    nginx = start_nginx([9], tls=True)
    nginx.challenges.mkdir()
    assert "Pebble" not in issuer(await served(nginx))
    with Authority(tmp_path / "authority", nginx.plain_port) as authority:
        asked = ["--webroot", "-w", str(nginx.challenges), "-d", SITE, "--agree-tos", "-m", "admin@example.com"]
        authority.certbot("certonly", *asked, "--deploy-hook", nginx.reload_command)
        live = authority.folder / "config" / "live" / SITE
        for path in (nginx.certificate, nginx.key):
            path.unlink()
            path.symlink_to(live / path.name)
        nginx.reload()
        first = await another(nginx, None)
        names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [SITE]

        assert "all simulated renewals succeeded" in authority.certbot("renew", *AT_ONCE, "--dry-run")
        authority.certbot("renew", *AT_ONCE, "--force-renewal")
        second = await another(nginx, first)
        assert second.serial_number != first.serial_number
    proofs = [line for line in nginx.access.read_text().splitlines() if "/.well-known/acme-challenge/" in line]
    # The first, the trial and the renewal.
    assert len(proofs) >= 3
    assert all('"status":200' in line for line in proofs)


async def another(nginx: Nginx, than: x509.Certificate | None) -> x509.Certificate:
    """The authority's certificate that is served once nginx has reloaded."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await served(nginx)
            if "Pebble" in issuer(found) and found != than:
                return found
            await asyncio.sleep(0.05)
