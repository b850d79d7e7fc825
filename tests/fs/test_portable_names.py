from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.fs.atomic import envelope_name
from tuishare.fs.portable_names import LONGEST_NAME, fold_file_name, is_portable, portable_name


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        ("film.mov", "film.mov"),
        ("日本語 ✓.txt", "日本語 ✓.txt"),
        (".hidden", ".hidden"),
        ("a:b", "a_b"),
        ("Take 12: what?.txt", "Take 12_ what_.txt"),
        ('\\/:*?"<>|', "_" * 9),
        ("tab\tand\x1b", "tab_and_"),
        ("not \udcff UTF-8", "not _ UTF-8"),
        ("dots...", "dots___"),
        ("blank ", "blank_"),
        (". .", "___"),
        ("", "_"),
        ("aux.c", "aux_.c"),
        ("CON", "CON_"),
        ("console.log", "console.log"),
        ("com1.tar.gz", "com1_.tar.gz"),
    ],
)
def test_the_nearest_portable_name(name: str, portable: str) -> None:
    assert portable_name(name) == portable
    assert is_portable(name) is (name == portable)


def test_a_long_name_keeps_its_suffix() -> None:
    assert portable_name("n" * 300 + ".mov") == "n" * 251 + ".mov"
    assert portable_name("é" * 200, room=21) == "é" * 10
    assert portable_name("a." + "b" * 300, room=40) == "a." + "b" * 38


@given(st.text(st.characters(codec=None)), st.integers(16, LONGEST_NAME))
def test_every_name_has_a_portable_one(name: str, room: int) -> None:
    made = portable_name(name, room=room)
    assert made not in {"", ".", ".."}
    assert len(made.encode()) <= room + 1  # of a device, which takes one more
    assert portable_name(made, room=room + 1) == made


def test_an_envelope_has_room_for_a_number() -> None:
    name = envelope_name("n" * 240 + ".mov")
    assert name.endswith("n.mov.torrent.encrypted")
    assert len(name) == LONGEST_NAME - len(" (9999)")
    assert envelope_name("a:b") == "a_b.torrent.encrypted"


def test_names_that_one_disk_takes_for_the_same() -> None:
    assert fold_file_name("Straße") == fold_file_name("STRASSE")
    assert fold_file_name("e\u0301") == fold_file_name("\u00c9")
    assert fold_file_name("a") != fold_file_name("b")
