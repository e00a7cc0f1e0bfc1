"""One change to the Dockerfile at a time gives the code of what it breaks, and nothing else."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from framework.loader import load_modules
from host.deployment.image import FILE, FILES, examine

CLONE = Path(__file__).parents[3]
MODULES = tuple(load_modules(None))
CMD = 'CMD ["sm", "web", "--host", "0.0.0.0"]'
CHECK = """CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]"""
MUTATIONS = {
    "latest": (FILE, "python:3.13-slim", "python:latest", {"SM057"}),
    "no tag": (FILE, "NODE_IMAGE=node:24-slim", "NODE_IMAGE=node", {"SM057"}),
    "a tag that moves": (FILE, "FROM ${PYTHON_IMAGE} AS runtime", "FROM python:slim AS runtime", {"SM057"}),
    "as root": (FILE, "USER 10001:10001", "USER root", {"SM058"}),
    "as nobody in particular": (FILE, "USER 10001:10001\n", "", {"SM058"}),
    "as somebody with a name": (FILE, "USER 10001:10001", "USER seamark", {"SM058"}),
    "a shell": (FILE, CMD, "CMD sm web --host 0.0.0.0", {"SM059"}),
    "a shell by hand": (FILE, CMD, 'CMD ["sh", "-c", "sm web"]', {"SM059"}),
    "uv run": (FILE, CMD, 'CMD ["uv", "run", "sm", "web"]', {"SM059"}),
    "an entrypoint that is a shell": (FILE, CMD, f'ENTRYPOINT ["bash", "-c"]\n{CMD}', {"SM059"}),
    "a hard signal": (FILE, CMD, f"STOPSIGNAL SIGKILL\n{CMD}", {"SM059"}),
    "a soft signal of others": (FILE, CMD, f"STOPSIGNAL SIGINT\n{CMD}", {"SM059"}),
    "a health check by a shell": (FILE, CHECK, "CMD curl http://127.0.0.1:8000/health", {"SM059"}),
    "a health check of readiness": (FILE, "8000/health'", "8000/health/ready'", {"SM054"}),
    "a health check behind a login": (FILE, "8000/health'", "8000/admin/health'", {"SM054"}),
    "no health check": (FILE, CHECK, "NONE", {"SM054", "SM059"}),
    "a key": (FILE, "HOME=/tmp", "HOME=/tmp SM_SECRET_KEY=4yD0vQ", {"SM060"}),
    "a password": (FILE, "HOME=/tmp", "HOME=/tmp SM_DATABASE_URL=postgresql+asyncpg://a:b@c/d", {"SM060"}),
    "a token for the build": (FILE, "ARG VERSION=0", "ARG NPM_TOKEN=npm_4yD0vQ\nARG VERSION=0", {"SM060"}),
    "secrets of the clone": (".dockerignore", "**/.env*\n", "!.env\n", {"SM060"}),
    "migrations at each start": (FILE, CMD, 'CMD ["sh", "-c", "sm migrate && sm web"]', {"SM059", "SM066"}),
    "Alembic at each start": (FILE, CMD, "CMD alembic upgrade head && uvicorn host.main:app", {"SM059", "SM066"}),
    "every proxy believed": (FILE, CMD, 'CMD ["uvicorn", "host.main:app", "--forwarded-allow-ips=*"]', {"SM055"}),
    "recycling": (FILE, CMD, 'CMD ["uvicorn", "host.main:app", "--limit-max-requests", "1000"]', {"SM056"}),
    "an option that is gone": (FILE, CMD, 'CMD ["uvicorn", "host.main:app", "--debug"]', {"SM065"}),
    "an old worker class": (FILE, CMD, 'CMD ["gunicorn", "-k", "uvicorn.workers.UvicornWorker", "host.main:app"]', {"SM065"}),
    "short keep-alive": (FILE, CMD, 'CMD ["uvicorn", "host.main:app", "--timeout-keep-alive", "2"]', {"SM050"}),
}  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(CLONE / name, tmp_path)
    return tmp_path


def codes(clone: Path) -> set[str]:
    return {finding.code for finding in examine(clone, MODULES)}


def test_the_shipped_file_is_right(clone: Path) -> None:
    assert list(examine(clone, MODULES)) == []


def test_without_files_nothing_is_said(tmp_path: Path) -> None:
    assert list(examine(tmp_path, MODULES)) == []


@pytest.mark.parametrize(("file", "old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_change_is_told_by_its_code(clone: Path, file: str, old: str, new: str, expected: set[str]) -> None:
    text = (clone / file).read_text()
    assert old in text
    (clone / file).write_text(text.replace(old, new, 1))
    assert codes(clone) == expected


def test_everything_in_the_clone_is_too_much(clone: Path) -> None:
    (clone / ".dockerignore").unlink()
    assert codes(clone) == {"SM060"}


def test_a_file_without_a_base_cannot_be_read(clone: Path) -> None:
    (clone / FILE).write_text("# nothing\n")
    assert codes(clone) == {"SM069"}


def test_a_usual_file_of_its_kind_has_most_of_it(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        """FROM python
        WORKDIR /srv
        COPY . .
        ENV DATABASE_URL=postgresql://app:app@db/app
        RUN pip install uv && uv sync
        EXPOSE 8000
        CMD uv run alembic upgrade head && uv run uvicorn host.main:app --host 0.0.0.0 --forwarded-allow-ips '*'
        """
    )
    assert codes(tmp_path) == {"SM054", "SM055", "SM057", "SM058", "SM059", "SM060", "SM066"}


def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([linter, CLONE / FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
