from __future__ import annotations

import msgspec

from tests.api.samples import NOW, SHARE
from tests.tui.people import BOB, DAN, EVE, HOSTILE, PEOPLE, WORDS
from tests.tui.widgets.test_panes import WHOLE, hostile
from tuishare.api.messages import ShareId
from tuishare.tui.describe.people import describe_person, show_fingerprint
from tuishare.tui.row_models import Group, list_people


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


def test_a_user_with_a_key_has_no_fingerprint() -> None:
    text = describe_person(DAN, WHOLE, NOW, 80).plain
    assert "anyone who has it can open what you share" in text
    assert "Fingerprint" not in text


def test_many_shares_are_cut_short() -> None:
    shares = tuple(msgspec.structs.replace(SHARE, id=ShareId(str(n))) for n in range(33))
    assert "and 13 more" in describe_person(BOB, msgspec.structs.replace(WHOLE, shares=shares), NOW, 80).plain


def test_a_group_names_its_members() -> None:
    assert "Members      bob, dan" in describe_person(Group("crew", (BOB, DAN)), WHOLE, NOW, 80).plain


def test_nothing_foreign_reaches_the_terminal_as_it_is() -> None:
    bad = hostile()
    texts = [describe_person(person, bad, NOW, 80).plain for person in (EVE, *list_people(bad))]
    for text in texts:
        assert not {"\x1b", "\x07", "\u202e", "\r"} & set(text)


def test_a_fingerprint_is_two_lines_of_six_words_and_the_base32() -> None:
    lines = show_fingerprint(WORDS, "ABCD-EFGH").plain.splitlines()
    assert lines == ["able bold calm dare echo fine", "gold hope idle jump keen last", "ABCD-EFGH"]


def test_a_hostile_fingerprint() -> None:
    shown = show_fingerprint(HOSTILE, HOSTILE).plain
    assert not {"\x1b", "\u202e"} & set(shown)
    assert len(shown.splitlines()) == 3
