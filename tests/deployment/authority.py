"""A certificate authority of its own on loopback: Pebble, which asks for proofs as public ones do (ACME, RFC 8555)."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

import trustme
from framework.embedded.ports import free_port

PATIENCE = 20.0
PROGRAMS = ("pebble", "pebble-challtestsrv", "certbot")
"""Of Debian's packages pebble and certbot."""


def missing() -> list[str]:
    return [name for name in PROGRAMS if not shutil.which(name)]


class Authority:
    """``with Authority(folder, proofs_at=port) as authority``: every name is this machine, and its proofs are at that port."""

    def __init__(self, folder: Path, proofs_at: int) -> None:
        folder.mkdir()
        self.folder = folder
        self._port, self._names = free_port(), free_port()
        own = trustme.CA()
        own.cert_pem.write_to_path(folder / "ca.pem")
        certificate = own.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        (folder / "pebble.json").write_text(
            json.dumps(
                {
                    "pebble": {
                        "listenAddress": f"127.0.0.1:{self._port}",
                        "managementListenAddress": f"127.0.0.1:{free_port()}",
                        "certificate": str(folder / "cert.pem"),
                        "privateKey": str(folder / "key.pem"),
                        "httpPort": proofs_at,
                        "tlsPort": free_port(),
                    }
                }
            )
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        off = [f"-{kind}=" for kind in ("http01", "https01", "tlsalpn01")]
        management = f"127.0.0.1:{free_port()}"
        names = ["-dns01", f"127.0.0.1:{self._names}", "-defaultIPv6=", "-management", management, *off]
        self._start("pebble-challtestsrv", *names)
        config = str(self.folder / "pebble.json")
        self._start("pebble", "-config", config, "-dnsserver", f"127.0.0.1:{self._names}")
        deadline = time.monotonic() + PATIENCE
        while not self._listens():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def certbot(self, *words: str) -> str:
        """What certbot says, which keeps all it has in this folder. Fails the test with that where certbot fails."""
        folders = [f"--{name}-dir={self.folder / name}" for name in ("config", "work", "logs")]
        asked = ["certbot", *words, *folders, "--non-interactive", "--server", f"https://localhost:{self._port}/dir"]
        environment = os.environ | {"REQUESTS_CA_BUNDLE": str(self.folder / "ca.pem")}
        done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _start(self, *command: str) -> None:
        # At once, and with a proof for each certificate.
        environment = os.environ | {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": "0",
            "PEBBLE_AUTHZREUSE": "0",
        }
        with (self.folder / "log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
            )

    def _listens(self) -> bool:
        try:
            urlopen(f"http://127.0.0.1:{self._port}/", timeout=1)
        except URLError as error:
            return hasattr(error, "code")
        return True
