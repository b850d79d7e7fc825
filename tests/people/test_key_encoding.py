"""Private keys as lines."""

from __future__ import annotations

import base64

import pytest

from tuishare.people.key_encoding import KeyEncoding

FORM = KeyEncoding("tuishare-test-v1:", b"tuishare/test/v1", 32)
SEED = bytes(range(32))
LINE = FORM.encode(SEED).removesuffix("\n")


def test_a_line_comes_back() -> None:
    assert FORM.decode(LINE) == SEED


@pytest.mark.parametrize("at", range(len(LINE)))
def test_every_changed_character_is_refused(at: int) -> None:
    other = "A" if LINE[at] != "A" else "B"
    with pytest.raises(ValueError, match=r"."):
        FORM.decode(LINE[:at] + other + LINE[at + 1 :])


@pytest.mark.parametrize(
    "line", ["", FORM.prefix, LINE[:-1], LINE + "A", f"{LINE}=", f" {LINE}", f"{LINE}\n", "é" * 50]
)
def test_what_is_not_exactly_it_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        FORM.decode(line)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="not a seed"):
        FORM.decode(FORM.encode(bytes(size)).strip())


def test_kinds_are_set_apart_by_their_labels() -> None:
    relabelled = KeyEncoding(FORM.prefix, b"tuishare/other/v1", FORM.size)
    with pytest.raises(ValueError, match="not a seed"):
        relabelled.decode(LINE)
    assert base64.urlsafe_b64decode(LINE.removeprefix(FORM.prefix) + "==")[:32] == SEED
