"""S3 as rclone serves it, on loopback, for a bucket in a folder."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from framework.embedded.ports import free_port

BUCKET = "backups"
PATIENCE = 30.0


def program() -> str | None:
    return shutil.which("rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


class ObjectStorage:
    """``with ObjectStorage(folder) as storage``: ``environment`` is what its clients need."""

    def __init__(self, folder: Path) -> None:
        (folder / BUCKET).mkdir(parents=True)
        self.folder = folder / BUCKET
        self.target = f"s3://{BUCKET}/seamark"
        self._address = f"127.0.0.1:{free_port()}"
        self._root = folder
        self.environment = {
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT": f"http://{self._address}",
            "AWS_ALLOW_HTTP": "true",
        }

    def __enter__(self) -> Self:
        rclone = program()
        assert rclone is not None
        key = f"{self.environment['AWS_ACCESS_KEY_ID']},{self.environment['AWS_SECRET_ACCESS_KEY']}"
        command = [rclone, "serve", "s3", "--addr", self._address, "--auth-key", key, "--config", os.devnull]
        self._process = subprocess.Popen([*command, "--log-level", "ERROR", str(self._root)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not self._listens():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        host, port = self._address.split(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0
