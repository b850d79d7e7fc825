"""The record of one torrent."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.swarm.shares import Share
from tuishare.errors import BadInput, NotFound
from tuishare.swarm import Progress
from tuishare.swarm.torrent_table import TorrentEntry, TorrentTable, clear_executable_bits


def _member(share: Share, *paths: Path) -> TorrentEntry:
    return TorrentEntry(replace(share.seeding(), complete=False), len(share.data), 32, paths)


def test_executable_bits_are_cleared_and_links_left_alone(share: Share, tmp_path: Path) -> None:
    program, outside, link = tmp_path / "program", tmp_path / "outside", tmp_path / "link"
    for path in (program, outside):
        path.touch()
        path.chmod(0o755)
    link.symlink_to(outside)
    clear_executable_bits(_member(share, program, link, tmp_path / "missing"))
    assert program.stat().st_mode & 0o777 == 0o644
    assert outside.stat().st_mode & 0o777 == 0o755


def test_a_fifo_is_not_waited_for(share: Share, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o700)
    clear_executable_bits(_member(share, tmp_path / "fifo"))
    assert (tmp_path / "fifo").stat().st_mode & 0o111


def test_our_own_files_are_left_alone(share: Share) -> None:
    path = share.folder / "payload.bin"
    path.chmod(0o755)
    clear_executable_bits(TorrentEntry(share.seeding(), len(share.data), 32, (path,)))
    assert path.stat().st_mode & 0o777 == 0o755


def test_lonely_is_a_download_without_peers(share: Share) -> None:
    member = _member(share)
    alone = Progress(share.info_hash, "downloading", 0, 1, 0.0, 0, 0, 0, 0, 0, 0)
    told = [None, alone, replace(alone, peers=1), replace(alone, state="paused")]
    lonely = []
    for latest in told:
        member.latest = latest
        lonely.append(member.lacks_peers)
    assert lonely == [False, True, False, False]


def test_the_roster_knows_each_once(share: Share) -> None:
    table = TorrentTable()
    table.add(share.info_hash, _member(share))
    with pytest.raises(BadInput):
        table.add(share.info_hash, _member(share))
    with pytest.raises(NotFound, match="still being added"):
        table.handle(share.info_hash)
    table.remove(share.info_hash)
    with pytest.raises(NotFound):
        table.get(share.info_hash)
