"""What was turned away is kept with its reason, and not for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tuishare.agent.downloads.rejected_files import REASON_SUFFIX, REJECTED, prune, put_away
from tuishare.errors import Refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three envelopes of 1,000 bytes, turned away one after the other."""
    for age, name in enumerate("abc"):
        (tmp_path / name).write_bytes(b"x" * 1000)
        put_away(tmp_path / name, Refused("no", hint="ask"))
        note = tmp_path / REJECTED / f"{name}{REASON_SUFFIX}"
        assert note.read_text() == "Refused: no\nask\n"
        os.utime(note, ns=(age, age))
    return tmp_path / REJECTED


def left(folder: Path) -> set[str]:
    names = set(os.listdir(folder))
    envelopes = {name for name in names if not name.endswith(REASON_SUFFIX)}
    assert names == envelopes | {f"{name}{REASON_SUFFIX}" for name in envelopes}
    return envelopes


@pytest.mark.parametrize(
    ("number", "size", "stay"),
    [
        (3, 0, "abc"),
        (2, 0, "bc"),
        (0, 2100, "bc"),
        (0, 2000, "c"),
        (0, 3100, "abc"),
        (0, 0, "abc"),
        (1, 1, "c"),  # the newest is not removed before a person could read why
    ],
)
def test_the_oldest_go(folder: Path, number: int, size: int, stay: str) -> None:
    removed = prune(folder, number, size)
    assert left(folder) == set(stay)
    assert sorted(removed + list(stay)) == list("abc")


def test_what_a_person_put_there_stays(folder: Path) -> None:
    (folder / "mine").write_bytes(b"x" * 10_000)
    (folder / "a").unlink()
    (folder / "a").mkdir()
    (folder / "a" / "inside").write_bytes(b"")
    prune(folder, 1, 1)
    assert {"mine", "a", "c"} <= set(os.listdir(folder))
    assert not (folder / "b").exists()
