"""Names: visible, unambiguous, fit for a folder."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.errors import BadInput
from tuishare.people import fold_name, validate_name
from tuishare.sanitize import is_unseen


@pytest.mark.parametrize(
    "name", ["bob", "B", "Alice Smith", "Zoë", "李雷", "דוד", "a@b", "o'neil", "x.y-z", "🦊", "n" * 64]
)
def test_ordinary_names_are_kept(name: str) -> None:
    assert validate_name(name) == name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is empty"),
        ("n" * 65, "is longer than"),
        ("🦊" * 64, "is longer than"),  # 256 bytes: no file system takes the folder
        ("@crew", "starts with '@'"),
        (".ssh", "starts with '.'"),
        ("..", "starts with '.'"),
        ("-rf", "starts with '-'"),
        ("a/b", "contains a '/'"),
        ("a\0b", "invisible"),
        ("a\nb", "invisible"),
        ("a\tb", "invisible"),
        ("\x1b[31mred", "invisible"),
        ("a\x9bb", "invisible"),  # CSI in one character
        ("bob\u202egnp", "invisible"),  # right-to-left override
        ("bob\u2066", "invisible"),
        ("bob\u200b", "invisible"),
        ("bob\ufeff", "invisible"),
        ("bob\u00ad", "invisible"),
        ("bob\u3164", "invisible"),  # Hangul filler, a letter by category
        ("bob\u2800", "invisible"),
        ("bob\ufe0f", "invisible"),
        ("bob\U000e0100", "invisible"),
        ("a\u00a0b", "invisible"),
        ("a\u2028b", "invisible"),
        ("a\udc80b", "invisible"),  # half a surrogate, as undecodable arguments arrive
        ("a\ue000", "invisible"),
        ("\u0301a", "starts with a combining mark"),
        (" bob", "space"),
        ("bob ", "space"),
        ("a  b", "space"),
    ],
)
def test_bad_names_are_refused_with_their_fault(name: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault) as caught:
        validate_name(name)
    assert caught.value.hint
    assert not any(is_unseen(character) for character in caught.value.detail)


def test_an_endless_name_is_refused_without_being_repeated() -> None:
    with pytest.raises(BadInput, match="far too long") as caught:
        validate_name("n" * 1_000_000)
    assert len(str(caught.value)) < 100


def test_names_come_out_in_normal_form_c() -> None:
    assert validate_name("Zoe\u0308") == "Zo\u00eb"


@pytest.mark.parametrize(
    ("one", "other"), [("Bob", "bob"), ("STRASSE", "straße"), ("Ｂｏｂ", "bob"), ("Σ", "ς")]
)
def test_names_that_look_alike_fold_together(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@given(st.text(max_size=70))
def test_whatever_is_accepted_is_stable_and_can_be_shown(text: str) -> None:
    try:
        name = validate_name(text)
    except BadInput:
        return
    assert validate_name(name) == name
    assert name.isprintable()
    assert fold_name(fold_name(name)) == fold_name(name)
    assert not {unicodedata.bidirectional(character) for character in name} & {
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
    }


def test_the_longest_name_can_be_a_folder(tmp_path: Path) -> None:
    name = validate_name("🦊" * 63)
    (tmp_path / name).mkdir()
    assert os.listdir(tmp_path) == [name]
