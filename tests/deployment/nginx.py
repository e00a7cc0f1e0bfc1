"""nginx with the files of deploy/nginx in front of processes on loopback; only where to listen and what to reach is changed."""

import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import trustme
from framework.embedded.ports import free_port
from host.dev.environment import CLONE

SHIPPED = CLONE / "deploy" / "nginx"
PATIENCE = 20.0
BALANCER = "127.0.0.9"
"""A proxy in front of nginx, which nginx believes what it says of addresses: in the header ``X-Client``."""
BEHIND_BALANCER = f"set_real_ip_from {BALANCER};\nreal_ip_header X-Client;\n"
HTTP2_ON = (1, 25, 1)
SITE = "app.example.com"
TLS_NAME = "localhost"
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
    include seamark/seamark.conf;
}}
"""


def program() -> str | None:
    """``NGINX_PROGRAM`` in the environment names another one than the machine's."""
    return os.environ.get("NGINX_PROGRAM") or shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def version() -> tuple[int, ...]:
    said = subprocess.run([str(program()), "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(map(int, said.partition("nginx/")[2].split()[0].split(".")))


def to_tcp(ports: Sequence[int]) -> str:
    """replicas.conf for processes at these ports."""
    return "".join(f"server 127.0.0.1:{port} max_fails=3 fail_timeout=2s;\n" for port in ports)


class Nginx:
    """``with Nginx(folder, ports) as nginx``: serves at ``nginx.url``, having what it logs in ``nginx.access`` and ``error``.

    With ``tls`` as people reach it, by the certificate of ``nginx.authority`` and with http at ``nginx.plain_url``. What it
    serves as /build/ is ``nginx.built``.
    """

    def __init__(
        self,
        folder: Path,
        ports: Sequence[int] = (),
        patience: str = "40s",
        *,
        tls: bool = False,
        replicas: str | None = None,
        proxies: str = BEHIND_BALANCER,
        changes: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """``ports``: where the replicas listen, unless ``replicas`` says it in nginx' words. ``folder`` must not be there yet.

        ``patience``: another read timeout. ``proxies``: proxies.conf. ``changes``: by file, one text for another.
        """
        self.folder, self.files = folder, folder / "seamark"
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://{TLS_NAME}:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self.plain_url = f"http://{TLS_NAME}:{self.plain_port}"
        self.access, self.error = folder / "access.log", folder / "error.log"
        self.built, self.challenges = folder / "srv" / "build", folder / "acme"
        self.certificate, self.key = folder / "fullchain.pem", folder / "privkey.pem"
        shutil.copytree(SHIPPED, self.files)
        self._settle(tls)
        self.change("proxy.conf", "proxy_read_timeout 40s;", f"proxy_read_timeout {patience};")
        (self.files / "replicas.conf").write_text(replicas or to_tcp(ports))
        (self.files / "proxies.conf").write_text(proxies)
        for name, (old, new) in (changes or {}).items():
            self.change(name, old, new)
        # Its workers are another user's, who may not look into the folders of a test.
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.files / name).read_text()
        assert old in text, f"{name} has no {old}"
        (self.files / name).write_text(text.replace(old, new))

    def _settle(self, tls: bool) -> None:
        """On this machine: other ports, folders and names than those that are shipped."""
        if tls:
            self.authority = trustme.CA()
            issued = self.authority.issue_cert(TLS_NAME)
            issued.private_key_pem.write_to_path(self.key)
            self.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
            if version() >= HTTP2_ON:
                self.change("site.conf", "listen-1.22.conf", "listen-1.25.conf")
        else:
            (self.files / "site.http.conf").replace(self.files / "site.conf")
            (self.files / "redirect.conf").write_text("")
        elsewhere = {
            r"listen \[::\]:.*;\n": "",
            r"listen 443": f"listen 127.0.0.1:{self.port}",
            r"listen 80": f"listen 127.0.0.1:{self.plain_port if tls else self.port}",
            SITE: TLS_NAME,
            r"/etc/nginx/seamark-tls": str(self.folder),
            r"/var/log/nginx/seamark.log": str(self.access),
            r"/var/www/acme": str(self.challenges),
            r"root /srv/seamark": f"root {self.built.parent}",
        }
        for path in self.files.glob("*.conf"):
            text = path.read_text()
            for shipped, here in elsewhere.items():
                text = re.sub(shipped, here, text)
            path.write_text(text)

    @property
    def trust(self) -> ssl.SSLContext:
        """For a client that believes in this certificate alone."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

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

    def reload(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    @property
    def reload_command(self) -> str:
        """As a shell takes it: ``nginx -s reload`` of this one."""
        return shlex.join([*self._command, "-s", "reload"])
