"""What guides say of deployments, in words of our own (``snippets/``): each mistake is found, and nothing else is said."""

from pathlib import Path

import pytest
from framework.loader import load_modules
from host.deployment.examine import examine
from host.deployment.image import FILE as DOCKERFILE

SNIPPETS = Path(__file__).parent / "snippets"
MODULES = tuple(load_modules(None))
KUSTOMIZATION = "deploy/kubernetes/overlays/own/kustomization.yaml"
EXPECTED = {
    "image": (DOCKERFILE, {"SM054", "SM055", "SM057", "SM058", "SM059", "SM060"}),
    "nginx-socket": ("deploy/edge/nginx.conf", {"SM050", "SM051", "SM055", "SM062", "SM064", "SM068"}),
    "nginx-upgrade": (
        "deploy/edge/nginx.conf",
        {"SM050", "SM051", "SM055", "SM061", "SM062", "SM065", "SM067", "SM068"},
    ),
    "nginx-least": ("deploy/edge/nginx.conf", {"SM050", "SM051", "SM055", "SM064", "SM068"}),
    "supervisor": ("deploy/supervisor/own.conf", {"SM053", "SM054", "SM059", "SM063"}),
    "circus": ("deploy/circus/own.ini", {"SM053", "SM054", "SM063"}),
    "gunicorn": ("deploy/gunicorn/own.conf.py", {"SM050", "SM053", "SM056", "SM063", "SM065"}),
    "systemd": ("deploy/systemd/own.service", {"SM054", "SM056", "SM058", "SM063", "SM065", "SM066"}),
    "kubernetes": (
        "deploy/kubernetes/overlays/own/web.yaml",
        {"SM052", "SM053", "SM054", "SM055", "SM057", "SM058", "SM059", "SM060", "SM063", "SM066"},
    ),
}
COMMANDS = [line.split("  ") for line in (SNIPPETS / "commands.txt").read_text().splitlines()]
UNIT = """[Unit]
Wants=seamark-migrate.service
After=seamark-migrate.service
StartLimitIntervalSec=0
[Service]
ExecStart=/opt/seamark/.venv/bin/{}
User=seamark
Restart=always
KillMode=mixed
TimeoutStopSec=60
"""


def codes(clone: Path) -> set[str]:
    return {finding.code for finding in examine(clone, MODULES)}


def write(clone: Path, name: str, text: str) -> None:
    path = clone / name
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_as_guides_have_it_is_taken_apart(tmp_path: Path, name: str) -> None:
    file, expected = EXPECTED[name]
    write(tmp_path / "clone", file, (SNIPPETS / f"{name}.txt").read_text())
    if name == "kubernetes":
        (tmp_path / "clone" / KUSTOMIZATION).write_text("resources: [web.yaml]\n")
    assert codes(tmp_path / "clone") == expected


def test_every_snippet_is_tried() -> None:
    assert {path.stem for path in SNIPPETS.iterdir()} == {*EXPECTED, "commands"}


@pytest.mark.parametrize("said", COMMANDS, ids=[said[-1].strip() for said in COMMANDS])
def test_a_command_as_guides_have_it_is_found(tmp_path: Path, said: list[str]) -> None:
    expected, command = said[0], said[-1].strip()
    write(tmp_path, "deploy/systemd/own.service", UNIT.format(command))
    assert codes(tmp_path) == set(expected.split())
