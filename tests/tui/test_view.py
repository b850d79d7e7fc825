from __future__ import annotations

import msgspec

from tests.api.samples import NOW, STATUS
from tests.tui.fakes import snapshot
from tuishare.api.messages import Problem
from tuishare.tui.view import Connected, View, dismiss, take_snapshot

FULL_DISK = Problem(id="disk", title="Disk full", detail="No room.", hint="Make some.", since=NOW)
PORT = Problem(id="port", title="Port taken", detail="Another has it.", hint="", since=NOW)
BOTH = snapshot(status=msgspec.structs.replace(STATUS, problems=(FULL_DISK, PORT)))
ONE = snapshot(status=msgspec.structs.replace(STATUS, problems=(PORT,)))


def test_a_problem_stays_until_it_is_dismissed() -> None:
    view = take_snapshot(View(), BOTH)
    assert view.connection == Connected()
    assert view.problems == (FULL_DISK, PORT)
    view = take_snapshot(dismiss(view, ["disk"]), BOTH)
    assert view.problems == (PORT,)


def test_a_problem_that_comes_back_is_shown_again() -> None:
    view = dismiss(take_snapshot(View(), BOTH), ["disk"])
    assert take_snapshot(take_snapshot(view, ONE), BOTH).problems == (FULL_DISK, PORT)


def test_before_the_first_snapshot_there_is_no_problem() -> None:
    assert View().problems == ()
