from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import NOW, SHARE
from tests.tui.people import BOB, DAN, EVE, PEOPLE
from tests.tui.widgets.test_panes import HAPPENED, TROUBLE, WHOLE, hostile
from tuishare.api.messages import FolderState, ShareId
from tuishare.tui.describe.others import describe_event, describe_person, describe_place
from tuishare.tui.row_models import Group, list_events, list_people, list_places


def test_a_user_is_told_with_words_to_compare_and_with_what_he_has() -> None:
    text = describe_person(BOB, WHOLE, NOW, 110).plain
    assert BOB.words in text
    assert "not verified" in text
    assert f"{SHARE.name} " in text
    assert PEOPLE.fingerprint in text


def test_words_that_do_not_fit_into_a_line_are_two_below_each_other() -> None:
    words = " ".join(["absolute"] * 12)
    half = " ".join(["absolute"] * 6)
    bob = msgspec.structs.replace(BOB, words=words)
    assert f"\n{'':13}{half}\n{'':13}{half}\n" in describe_person(bob, WHOLE, NOW, 76).plain
    assert f"\n{'':13}{words}\n" in describe_person(bob, WHOLE, NOW, 13 + len(words)).plain


def test_whoever_has_a_key_has_no_fingerprint() -> None:
    text = describe_person(DAN, WHOLE, NOW, 80).plain
    assert "whoever has it can read" in text
    assert "Fingerprint" not in text


def test_many_shares_are_cut_short() -> None:
    shares = tuple(msgspec.structs.replace(SHARE, id=ShareId(str(n))) for n in range(33))
    assert "and 13 more" in describe_person(BOB, msgspec.structs.replace(WHOLE, shares=shares), NOW, 80).plain


def test_a_group_names_its_members() -> None:
    assert "Members      bob, dan" in describe_person(Group("crew", (BOB, DAN)), WHOLE, NOW, 80).plain


@pytest.mark.parametrize(
    ("state", "words"), [("watching", "at once"), ("polling", "time to time"), ("missing", "not there")]
)
def test_a_folder_says_how_it_is_watched(state: str, words: str) -> None:
    drop = list_places(WHOLE)[0]
    assert drop.folder is not None
    status = msgspec.structs.replace(
        WHOLE.status, drop_folders=(msgspec.structs.replace(drop.folder, state=FolderState(state)),)
    )
    place = list_places(msgspec.structs.replace(WHOLE, status=status))[0]
    assert words in describe_place(place, WHOLE, NOW, 80).plain


def test_trouble_stands_with_its_remedy_and_events_with_their_time() -> None:
    assert "→ Make some." in describe_event(TROUBLE, WHOLE, NOW, 80).plain
    assert "11:56" in describe_event(HAPPENED[0], WHOLE, NOW, 80).plain


def test_nothing_foreign_reaches_the_terminal_as_it_is() -> None:
    bad = hostile()
    texts = [describe_person(person, bad, NOW, 80).plain for person in (EVE, *list_people(bad))]
    texts += [describe_place(place, bad, NOW, 80).plain for place in list_places(bad)]
    texts += [describe_event(event, bad, NOW, 80).plain for event in list_events(bad)]
    for text in texts:
        assert not {"\x1b", "\x07", "\u202e", "\r"} & set(text)
