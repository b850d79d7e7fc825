from __future__ import annotations

import msgspec

from tests.api.samples import NOW
from tests.tui.fakes import CALM, snapshot
from tuishare.api.messages import Folder, FolderState
from tuishare.tui.empty_states import (
    explain_no_activity,
    explain_no_downloads,
    explain_no_folders,
    explain_no_people,
    explain_no_shares,
)
from tuishare.tui.view import Connected, Lost, View


def test_the_drop_folders_are_named() -> None:
    text = explain_no_shares(View(Connected(), snapshot())).plain
    assert "/home/alice/drop  for @crew" in text


def test_a_missing_folder_is_marked() -> None:
    gone = Folder(path="/gone\n", state=FolderState.MISSING, users=("bob\x1b",), waiting=0)
    status = msgspec.structs.replace(CALM, drop_folders=(gone,))
    text = explain_no_shares(View(Connected(), snapshot(status=status))).plain
    assert "! missing" in text
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text


def test_without_a_drop_folder_it_says_how_to_get_one() -> None:
    status = msgspec.structs.replace(CALM, drop_folders=())
    assert (
        "press 4, then n, to add a drop folder"
        in explain_no_shares(View(Connected(), snapshot(status=status))).plain
    )


def test_the_inbox_is_named() -> None:
    assert "/home/alice/tuishare/inbox" in explain_no_downloads(View(Connected(), snapshot())).plain
    status = msgspec.structs.replace(CALM, inbox="")
    assert "your inbox folder" in explain_no_downloads(View(Connected(), snapshot(status=status))).plain


def test_before_the_first_answer_it_waits_or_says_why_not() -> None:
    lost = Lost(since=NOW, detail="", hint="", retry_at=NOW, startable=True)
    for explain in (
        explain_no_shares,
        explain_no_downloads,
        explain_no_people,
        explain_no_folders,
        explain_no_activity,
    ):
        assert "Asking the agent" in explain(View()).plain
        assert "No agent" in explain(View(lost)).plain


def test_every_empty_tab_says_what_to_do_next() -> None:
    view = View(Connected(), snapshot())
    assert "Press i to invite the first one, or o to join" in explain_no_people(view).plain
    assert "Press n to add a drop folder" in explain_no_folders(view).plain
    assert "Nothing has happened yet" in explain_no_activity(view).plain
