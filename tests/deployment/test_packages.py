"""The packages as they are published: nothing is missing in them, and they run without the clone."""

import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

CLONE = Path(__file__).parents[2]
UV = (sys.executable, str(CLONE / "host/bootstrap.py"))
PACKAGES = {
    "seamark_framework": "framework/framework",
    "seamark_host": "host/host",
    **{f"seamark_{path.name}": f"modules/{path.name}/{path.name}" for path in sorted(CLONE.glob("modules/*/"))},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run([*UV, "build", "--all-packages", "--quiet", "--out-dir", folder], cwd=CLONE, check=True)
    return folder


def wheel(built: Path, name: str) -> Path:
    (found,) = built.glob(f"{name}-*.whl")
    return found


def test_every_member_is_built_as_wheel_and_as_source(built: Path) -> None:
    for pattern in ("*.whl", "*.tar.gz"):
        assert {path.name.split("-")[0] for path in built.glob(pattern)} == set(PACKAGES)


@pytest.mark.parametrize(("name", "folder"), PACKAGES.items())
def test_a_wheel_holds_every_file_of_its_package(built: Path, name: str, folder: str) -> None:
    tracked = subprocess.run(["git", "ls-files", folder], cwd=CLONE, capture_output=True, text=True, check=True)
    parent = Path(folder).parent
    files = {str(Path(line).relative_to(parent)) for line in tracked.stdout.splitlines() if (CLONE / line).exists()}
    assert files
    assert files <= set(ZipFile(wheel(built, name)).namelist())


def test_each_asks_for_the_others_in_its_own_version(built: Path) -> None:
    asked = set()
    for name in PACKAGES:
        with ZipFile(wheel(built, name)) as archive:
            (path,) = (item for item in archive.namelist() if item.endswith(".dist-info/METADATA"))
            metadata = message_from_bytes(archive.read(path))
        others = [item for item in metadata.get_all("Requires-Dist", []) if item.startswith("seamark-")]
        asked |= set(others)
        assert all(item.endswith(f"=={metadata['Version']}") for item in others)
    assert asked


def test_installed_without_the_clone_they_find_each_other(built: Path, tmp_path: Path) -> None:
    environment, elsewhere = tmp_path / "environment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([*UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    wheels = [wheel(built, name) for name in PACKAGES]
    subprocess.run(
        [*UV, "pip", "install", "--quiet", "--python", environment / "bin/python", *wheels], cwd=elsewhere, check=True
    )

    told = subprocess.run(
        [environment / "bin/sm", "modules"],
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    listed = {line.split()[0]: line.split()[1] for line in told.stdout.splitlines()[1:] if line.strip()}
    assert listed == {path.name: "yes" for path in CLONE.glob("modules/*/")}
