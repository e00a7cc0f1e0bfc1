"""Proxies in front of the shipped nginx: real ones, each with an address of its own on loopback, that add whom they heard."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from framework.embedded.ports import free_port

from tests.deployment.nginx import PATIENCE, program

MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log info;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""
SERVER = """
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_bind {address};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto {scheme};
            proxy_pass {target};
        }}
    }}
"""


class Front:
    """``with Front(folder, addresses, target) as front``: from ``front.url`` a request goes by all addresses, the first one first.

    The first ends TLS, as far as the others can tell.
    """

    def __init__(self, folder: Path, addresses: Sequence[str], target: str) -> None:
        self.folder = folder
        ports = [free_port() for _ in addresses]
        targets = [*(f"http://127.0.0.1:{port}" for port in ports[1:]), target]
        schemes = ["https", *["$http_x_forwarded_proto"] * (len(addresses) - 1)]
        self.url = f"http://127.0.0.1:{ports[0]}"
        folder.mkdir()
        servers = [
            SERVER.format(port=port, address=address, scheme=scheme, target=target)
            for port, address, scheme, target in zip(ports, addresses, schemes, targets, strict=True)
        ]
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user, servers="".join(servers)))

    def __enter__(self) -> Self:
        command = [str(program()), "-e", str(self.folder / "error.log"), "-p", str(self.folder)]
        self._process = subprocess.Popen([*command, "-c", str(self.folder / "nginx.conf")], start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "pid").exists():
            assert self._process.poll() is None, (self.folder / "error.log").read_text()
            assert time.monotonic() < deadline, "it does not begin to listen"
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE)
