from __future__ import annotations

import msgspec

from tests.tui.fakes import CALM, snapshot
from tests.tui.people import known
from tuishare.tui.live_app import is_new

EMPTY = snapshot(status=msgspec.structs.replace(CALM, drop_folders=()))


def test_a_home_is_new_without_users_and_drop_folders() -> None:
    assert is_new(EMPTY)
    assert not is_new(snapshot())  # a folder is watched
    assert not is_new(msgspec.structs.replace(EMPTY, people=known().people))
