from __future__ import annotations

import msgspec

from tests.api.samples import NOW
from tests.tui.fakes import CALM, snapshot
from tuishare.api.messages import Folder, FolderState
from tuishare.tui.empty_states import (
    invite_people,
    invite_to_receive,
    invite_to_set_up,
    invite_to_share,
    invite_to_wait,
)
from tuishare.tui.view import Live, Lost, View


def test_the_drop_folders_are_named() -> None:
    text = invite_to_share(View(Live(), snapshot())).plain
    assert "/home/alice/drop  for @crew" in text


def test_a_missing_folder_is_marked() -> None:
    gone = Folder(path="/gone\n", state=FolderState.MISSING, users=("bob\x1b",), waiting=0)
    status = msgspec.structs.replace(CALM, drop_folders=(gone,))
    text = invite_to_share(View(Live(), snapshot(status=status))).plain
    assert "! missing" in text
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text


def test_without_a_drop_folder_it_says_how_to_get_one() -> None:
    status = msgspec.structs.replace(CALM, drop_folders=())
    assert "4 and n to set up a folder" in invite_to_share(View(Live(), snapshot(status=status))).plain


def test_the_inbox_is_named() -> None:
    assert "/home/alice/tuishare/inbox" in invite_to_receive(View(Live(), snapshot())).plain
    status = msgspec.structs.replace(CALM, inbox="")
    assert "your inbox folder" in invite_to_receive(View(Live(), snapshot(status=status))).plain


def test_before_the_first_answer_it_waits_or_says_why_not() -> None:
    lost = Lost(since=NOW, detail="", hint="", retry_at=NOW, startable=True)
    for invite in (invite_to_share, invite_to_receive, invite_people, invite_to_set_up, invite_to_wait):
        assert "Asking the agent" in invite(View()).plain
        assert "No agent" in invite(View(lost)).plain


def test_every_empty_tab_says_what_to_do_next() -> None:
    view = View(Live(), snapshot())
    assert "Press n and paste the card" in invite_people(view).plain
    assert "Press n to add one" in invite_to_set_up(view).plain
    assert "Nothing happened yet" in invite_to_wait(view).plain
