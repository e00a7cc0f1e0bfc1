"""An installation by docker-compose.yml, as a person starts it, and a browser's part in it."""

import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from framework.embedded.ports import free_port

from tests.deployment.containers.engine import Engine

EMAIL = "admin@example.com"
PATIENCE = 300.0
OWN = ("first-start", "migrate", "assets", "web", "worker", "beat")
NO_SHELL = [f"/dev/null:/usr/bin/{shell}:ro" for shell in ("dash", "bash")]


class Installation:
    """``folder``: a copy of the clone. What this changes: the ports, and that the application's containers have no shell."""

    def __init__(self, docker: Engine, folder: Path, image: str) -> None:
        self._docker = docker
        self._folder = folder
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self._environment = {
            "COMPOSE_PROJECT_NAME": f"seamark-of-tests-{self.port}",
            "SEAMARK_IMAGE": image,
            "SEAMARK_HTTPS_PORT": f"127.0.0.1:{self.port}",
            "SEAMARK_HTTP_PORT": f"127.0.0.1:{self.plain_port}",
            "SM_PUBLIC_URL": self.url,
        }
        # Of backups, pg_verifybackup needs one to start pg_waldump.
        override = {"services": {name: {"volumes": NO_SHELL} for name in (*OWN, "backup-wal")}}
        self._override = folder / "compose.tests.yml"
        self._override.write_text(json.dumps(override))

    def compose(self, *words: str) -> str:
        files = ("--file", "docker-compose.yml", "--file", self._override.name)
        return self._docker.docker(
            "compose", *files, *words, folder=self._folder, environment=self._environment, errors=False
        )

    def up(self) -> None:
        """Until everything that has a health check is healthy. Raises ``RuntimeError`` with what the containers say."""
        try:
            self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", str(int(PATIENCE)))
        except RuntimeError as error:
            raise RuntimeError(
                f"{error}\n{self.compose('ps', '--all')}\n{self.compose('logs', '--tail', '30')}"
            ) from None

    def down(self) -> None:
        self.compose("down", "--timeout", "90")

    def remove(self) -> None:
        self.compose("down", "--volumes", "--timeout", "5")

    def container(self, service: str) -> dict[str, Any]:
        """All that the engine knows of it."""
        name = self.compose("ps", "--all", "--quiet", service).strip()
        found: dict[str, Any] = json.loads(self._docker.docker("inspect", name))[0]
        return found

    def client(self) -> httpx.Client:
        """Trusts the certificate of the first start, and nobody else's."""
        pem = self.compose("exec", "-T", "nginx", "cat", "/srv/seamark/certificate/fullchain.pem")
        trust = ssl.create_default_context(cadata=pem)
        # It is its own authority, so it lacks what an authority's would say.
        trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return httpx.Client(base_url=self.url, verify=trust, timeout=30, headers={"Origin": self.url})

    def administrator(self) -> dict[str, str]:
        answer = self.compose("exec", "-T", "web", "sm", "create-admin", "--email", EMAIL, "--print-password")
        email, password = answer.split()
        return {"email": email, "password": password}


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
