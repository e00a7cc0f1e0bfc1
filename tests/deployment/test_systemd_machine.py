"""systemd itself with the shipped units as they are, set up by the lines of their guide, on a machine of its own."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest
from host.dev.environment import CLONE
from host.trial import Trial

from tests.deployment.managed import ENVIRONMENT, Managed, exercise
from tests.faults.conftest import Report
from tests.faults.faults import Faults

SHIPPED = CLONE / "deploy" / "systemd"
MACHINE = Path(__file__).with_name("machine.sh")
NEEDED = ("/lib/systemd/systemd", "unshare", "nsenter", "pivot_root", "pgrep")
SECRETS = ("SM_SECRET_KEY", "SM_DATABASE_URL", "SM_REDIS_URL")
LOG = Path("var/log/seamark.log")


PROBE = """
mkdir "$0/changes" "$0/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/changes,workdir=$0/work" /mnt
mount -t cgroup2 cgroup2 /sys/fs/cgroup
test -w /sys/fs/cgroup/cgroup.procs
"""


@pytest.fixture(autouse=True)
def able(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Namespaces with a file system of their own are for root, and where they are closed nothing can be shown."""
    missing = [name for name in NEEDED if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    reason = f"no {', '.join(missing)}" if missing else "not root" if os.geteuid() else ""
    if not reason:
        probe = ["unshare", "--pid", "--fork", "--mount", "--cgroup", "sh", "-ec", PROBE]
        tried = subprocess.run(
            [*probe, str(tmp_path_factory.mktemp("probe"))], capture_output=True, text=True, check=False
        )
        reason = (tried.stderr.strip() or "no control groups") if tried.returncode else ""
    if reason:
        pytest.skip(f"no machine of its own can be made here: {reason}")


def guide() -> str:
    """The first lines of code in it, which set everything up."""
    first = re.search(r"(?:^    .+\n)+", (SHIPPED / "README.md").read_text(), re.MULTILINE)
    assert first is not None
    return re.sub(r"^    ", "", first[0], flags=re.MULTILINE)


class Systemd(Managed):
    def __init__(self, trial: Trial, folder: Path) -> None:
        everything = trial.environment | ENVIRONMENT
        told = {name: value for name, value in everything.items() if name.startswith(("SM_", "PYTHONPATH"))}
        script = folder / "set-up.sh"
        enabled, _, started = guide().partition("systemctl daemon-reload\n")
        assert started, "the guide begins otherwise"
        own = [f"{name}={json.dumps(value)}" for name, value in told.items() if name not in SECRETS]
        lines = [
            enabled,
            f"cat >>/etc/seamark/seamark.env <<'END'\n{'\n'.join(own)}\nEND",
            *(f"printf %s '{told[name]}' >/etc/seamark/secrets/{name.lower()}" for name in SECRETS),
            "chmod 0600 /etc/seamark/secrets/*",
            f"systemctl daemon-reload\n{started}",
        ]
        script.write_text("\n".join(lines))
        self._folder = folder
        super().__init__(trial, [str(MACHINE), str(folder), str(CLONE), str(script)])
        self.name = "systemd"

    @property
    def first(self) -> psutil.Process:
        """systemd, as this machine sees it."""
        return next(
            process for process in psutil.Process(self.pid).children(recursive=True) if process.name() == "systemd"
        )

    def workers(self) -> list[int]:
        try:
            return [child.pid for child in self.first.children() if "--fd" in child.cmdline()]
        except (psutil.Error, StopIteration):
            return []

    def log(self) -> str:
        log = self._folder / "changes" / LOG
        return (log.read_text() if log.exists() else "") + super().log()

    def client(self) -> httpx.AsyncClient:
        self.uds = Path(f"/proc/{self.first.pid}/root/run/seamark/web.sock")
        return super().client()

    async def control(self, *words: str) -> str:
        namespaces = ("-t", str(self.first.pid), "-m", "-p", "-u", "-i", "-C")
        return await self.run("nsenter", *namespaces, "env", "SYSTEMD_UNIT_PATH=/etc/systemd/system", *words)

    async def one_more(self) -> None:
        await self.control("systemctl", "start", "seamark-web@3")

    async def one_less(self) -> None:
        await self.control("systemctl", "stop", "seamark-web@3")

    async def reload(self) -> None:
        for number in (1, 2):
            ready = self.ready()
            await self.control("systemctl", "restart", f"seamark-web@{number}")
            await self.until(lambda before=ready: self.ready() > before)  # type: ignore[misc]


async def test_serves_heals_scales_restarts_and_drains(prepared: Trial, tmp_path: Path, report: Report) -> None:
    async with Systemd(prepared, tmp_path) as systemd:
        await exercise(systemd, report)


async def test_all_of_it_is_back_after_postgres_was_away_longer_than_anybody_counts_starts(
    prepared: Trial, faults: Faults, tmp_path: Path, report: Report
) -> None:
    """A unit that requires the migration is not started again once that has failed, nor one that failed too often."""
    units = ("seamark-web@1", "seamark-web@2", "seamark-worker", "seamark-beat")
    async with Systemd(prepared, tmp_path) as systemd:
        await asyncio.to_thread(prepared.postgres.stop)
        try:
            for unit in units:
                await systemd.control("systemctl", "kill", "--signal=KILL", unit)
            await asyncio.sleep(15)
        finally:
            await asyncio.to_thread(prepared.postgres.start)
        await systemd.become(2, ready=4)
        answers = [await client.get("/health/ready") for client in systemd.clients]
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        answer = await systemd.clients[0].post("/api/probe/notes", json={"key": "after-the-outage"})
        assert answer.status_code == 202
        await faults.until(faults.effects)
    report(f"systemd: all {len(units)} killed while Postgres was away for 15 s, all back and a task done after it")
