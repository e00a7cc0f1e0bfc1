"""nginx with the files of deploy/nginx in front of processes on loopback; only where to listen and what to reach is changed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from framework.embedded.ports import free_port
from host.dev.environment import CLONE

SHIPPED = CLONE / "deploy" / "nginx"
PATIENCE = 20.0
BALANCER = "127.0.0.9"
"""A proxy in front of nginx, which nginx believes what it says of addresses: in the header ``X-Client``."""
MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log info;
{user}
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    set_real_ip_from {balancer};
    real_ip_header X-Client;
    include seamark/seamark.conf;
}}
"""


def program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


class Nginx:
    """``with Nginx(folder, ports) as nginx``: serves at ``nginx.url``, having what it logs in ``nginx.access`` and ``error``."""

    def __init__(self, folder: Path, ports: Sequence[int], patience: str = "40s") -> None:
        """``ports``: where the replicas listen. ``folder`` must not be there yet. ``patience``: another read timeout."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.access, self.error = folder / "access.log", folder / "error.log"
        files = folder / "seamark"
        shutil.copytree(SHIPPED, files)
        (files / "site.conf").write_text(f"listen 127.0.0.1:{self.port};\naccess_log {self.access} seamark;\n")
        proxy = (files / "proxy.conf").read_text()
        (files / "proxy.conf").write_text(proxy.replace("proxy_read_timeout 40s;", f"proxy_read_timeout {patience};"))
        servers = [f"server 127.0.0.1:{port} max_fails=3 fail_timeout=2s;\n" for port in ports]
        (files / "replicas.conf").write_text("".join(servers))
        # Its workers are another user's, who may not look into the folders of a test.
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user, balancer=BALANCER))

    def __enter__(self) -> Self:
        nginx = program()
        assert nginx is not None
        self._command = [nginx, "-e", str(self.error), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        judged = subprocess.run([*self._command, "-t"], capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stderr
        assert "[warn]" not in judged.stderr, judged.stderr
        # The judgement leaves an empty one. It is written anew when nginx listens.
        (self.folder / "pid").unlink(missing_ok=True)
        self._process = subprocess.Popen(self._command, start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "pid").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self.error.read_text())
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE)
