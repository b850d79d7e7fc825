from __future__ import annotations

import stat
from pathlib import Path

from tuishare.fs.flag_file import FlagFile


def test_it_is_set_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "flag"
    assert not FlagFile(path).is_set
    FlagFile(path).set()
    FlagFile(path).set()
    assert FlagFile(path).is_set
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_cannot_be_written_stays_unset_without_an_error(tmp_path: Path) -> None:
    flag = FlagFile(tmp_path / "no" / "folder")
    flag.set()
    assert not flag.is_set
