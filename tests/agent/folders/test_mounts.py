from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.odd_disks import without_chmod
from tuishare.agent.folders.mounts import MountView, parse_mounts, view_mounts
from tuishare.agent.folders.watcher import Watcher
from tuishare.core.folder_state import PollReason

TABLE = rb"""
22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:40 / /data rw,relatime shared:1 - xfs /dev/vdb rw
31 30 0:41 / /data/my\040disk rw - fuseblk /dev/sdc1 rw
32 22 0:42 / /net rw - nfs4 server:/x rw
33 30 0:43 / /data/far rw - fuse.sshfs user@host: rw
34 30 0:44 / /data/far/cover rw - ext4 /dev/vdd rw
35 30 0:45 / /data/database rw - ext4 /dev/vde rw
36 22 0:46 / /data rw - btrfs /dev/vdf rw
""".lstrip()


@pytest.mark.parametrize(
    ("folder", "mounts", "shared"),
    [
        (b"/", {22, 30, 31, 32, 33, 34, 35, 36}, True),
        (b"/home/me", {22}, False),
        (b"/data/my disk", {31}, False),
        (b"/data/my disk/drop", {31}, False),
        (b"/data/my", {36}, False),
        (b"/data/data", {36}, False),
        (b"/net/drop", {32}, True),
        (b"/data/far/cover", {34}, False),
        (b"/data/far/x", {33}, True),
    ],
)
def test_the_mounts_at_and_below_a_folder(folder: bytes, mounts: set[int], shared: bool) -> None:
    view = parse_mounts(TABLE, folder)
    assert {mount for mount, _ in view.mounts} == mounts
    assert view.is_shared is shared


def test_a_disk_that_is_mounted_below_a_folder_is_seen(tmp_path: Path) -> None:
    (place := tmp_path / "a disk").mkdir()
    before = view_mounts(tmp_path)
    assert before.mounts == parse_mounts(Path("/proc/self/mountinfo").read_bytes(), bytes(tmp_path)).mounts
    if subprocess.run(["mount", "-t", "tmpfs", "test", place], capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted only by root")
    try:
        after = view_mounts(tmp_path)
    finally:
        subprocess.run(["umount", "-l", place], check=True)
    assert set(before.mounts) < set(after.mounts)
    assert after.mounts[-1][1] == bytes(place)
    assert view_mounts(tmp_path) == before


def test_without_a_table_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tuishare.agent.folders.mounts._TABLE", tmp_path / "none")
    assert view_mounts(tmp_path) == MountView()


async def test_what_others_may_change_unseen_is_polled(tmp_path: Path) -> None:
    watcher = Watcher()
    with without_chmod(tmp_path / "disk") as disk:
        assert watcher.watch(disk, print) is PollReason.OTHER_MACHINES
        assert watcher.watch(tmp_path, print) is PollReason.OTHER_MACHINES
    await watcher.close()
