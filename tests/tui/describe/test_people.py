from __future__ import annotations

import msgspec

from tests.api.samples import NOW, SHARE
from tests.tui.people import BOB, CAROL, DAN, EVE, HOSTILE, PEOPLE, WORDS, known
from tests.tui.widgets.test_panes import WHOLE, hostile
from tuishare.api.messages import Link, ShareId, Snapshot, UserOrigin
from tuishare.presentation.row_models import Group, list_people
from tuishare.tui.describe.people import describe_person, show_fingerprint


def told(link: Link) -> Snapshot:
    """Carol was invited, and there is that link to her."""
    carol = msgspec.structs.replace(CAROL, origin=UserOrigin.INVITED)
    return msgspec.structs.replace(known(BOB, carol, DAN), links=(link,))


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


def test_the_link_tells_since_when_and_why_not() -> None:
    link = Link(user="carol", away=NOW - 60, addresses=("192.0.2.7:50010",), waiting=2, error="No", tried=NOW)
    (carol,) = [each for each in list_people(told(link)) if each.name == "carol"]
    text = describe_person(carol, WHOLE, NOW, 80).plain
    for line in (
        "Known by     invited",
        "Link         away since 11:55",
        "Last error   No (tried 11:56)",
        "Addresses    192.0.2.7:50010",
        "Waiting      2 envelopes for them",
    ):
        assert line in text, text


def test_our_own_record_tells_where_contacts_call_us() -> None:
    assert "nowhere" in describe_person(BOB, WHOLE, NOW, 80).plain
    status = msgspec.structs.replace(WHOLE.status, link_addresses=("192.0.2.1:50010", "127.0.0.1:50010"))
    text = describe_person(BOB, msgspec.structs.replace(WHOLE, status=status), NOW, 80).plain
    assert "Reached at   192.0.2.1:50010, 127.0.0.1:50010" in text


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
