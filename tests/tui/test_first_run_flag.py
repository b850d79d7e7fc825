from __future__ import annotations

from pathlib import Path

import msgspec

from tests.tui.fakes import CALM, snapshot
from tests.tui.people import known
from tuishare.tui.first_run_flag import Greeting

EMPTY = snapshot(status=msgspec.structs.replace(CALM, drop_folders=()))


def test_due_for_the_new_only_and_once(tmp_path: Path) -> None:
    greeting = Greeting(tmp_path / "greeted")
    assert greeting.is_due(EMPTY)
    assert not greeting.is_due(snapshot())  # a folder is watched
    assert not greeting.is_due(msgspec.structs.replace(EMPTY, people=known().people))
    greeting.remember()
    assert not Greeting(tmp_path / "greeted").is_due(EMPTY)


def test_what_cannot_be_remembered_hinders_nothing(tmp_path: Path) -> None:
    greeting = Greeting(tmp_path / "no" / "folder")
    greeting.remember()
    assert greeting.is_due(EMPTY)
