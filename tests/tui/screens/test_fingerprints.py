from __future__ import annotations

from tests.tui.people import HOSTILE, WORDS
from tuishare.tui.screens.fingerprints import show_fingerprint


def test_two_lines_of_six_and_the_base32() -> None:
    lines = show_fingerprint(WORDS, "ABCD-EFGH").plain.splitlines()
    assert lines == ["able bold calm dare echo fine", "gold hope idle jump keen last", "ABCD-EFGH"]


def test_hostile_words() -> None:
    shown = show_fingerprint(HOSTILE, HOSTILE).plain
    assert not {"\x1b", "\u202e"} & set(shown)
    assert len(shown.splitlines()) == 3
