from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.odd_disks import exfat_disk
from tuishare.fs.name_trial import choose_local_paths

ODD = [
    ("a:b",),
    ("a_b",),
    ("c", "Foo", "x?"),
    ("c", "foo", "y"),
    ("c", "fOO"),
    ("what?", "inside"),
    ("what*", "inside"),
    ("plain", "file"),
]


def test_a_disk_that_takes_every_name_changes_none(tmp_path: Path) -> None:
    names = [
        *ODD,
        ("n" * 255,),
        ("\U0001f468\u200d\U0001f467",),
        ("\u00e4",),
        ("a\u0308",),
        ("CON",),
        ("dot.",),
    ]
    assert choose_local_paths(tmp_path, names) == {}
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_safe_everywhere_are_not_tried(tmp_path: Path) -> None:
    assert choose_local_paths(tmp_path / "missing", [("a",), ("b", "c.txt"), ("日本語",)]) == {}


def test_names_that_a_disk_refuses_are_proposed_anew(tmp_path: Path) -> None:
    with exfat_disk(tmp_path / "stick") as stick:
        chosen = choose_local_paths(stick, ODD)
        assert chosen == {
            ("a:b",): ("a_b (2)",),
            ("c", "Foo", "x?"): ("c", "Foo", "x_"),
            ("c", "foo", "y"): ("c", "foo (3)", "y"),
            ("c", "fOO"): ("c", "fOO (2)"),
            ("what?", "inside"): ("what_ (2)", "inside"),
            ("what*", "inside"): ("what_", "inside"),
        }
        assert list(stick.iterdir()) == []
        for path in ODD:
            place = stick.joinpath(*chosen.get(path, path))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch(exist_ok=False)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let every file that is to be made fail with an error."""
    opened = os.open

    def fail_with(number: int) -> None:
        def refuse(path: Path, flags: int, *more: int, **options: Any) -> int:
            if flags & os.O_CREAT:
                raise OSError(number, os.strerror(number))
            return opened(path, flags, *more, **options)

        monkeypatch.setattr("os.open", refuse)

    return fail_with


def test_a_full_disk_is_no_reason_for_another_name(tmp_path: Path, refusing: Callable[[int], None]) -> None:
    refusing(errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        choose_local_paths(tmp_path, [("a:b",)])
    assert list(tmp_path.iterdir()) == []


def test_where_no_name_is_taken_that_is_said(tmp_path: Path, refusing: Callable[[int], None]) -> None:
    refusing(errno.EINVAL)
    with pytest.raises(OSError, match="neither this name nor a similar one"):
        choose_local_paths(tmp_path, [("a:b",)])
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_changes_a_name_does_not_take_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As vfat does with a dot at the end."""
    opened = os.open

    def strip(path: Path | str, flags: int, *more: int, **options: Any) -> int:
        stripped = (
            path.with_name(path.name.rstrip(".")) if isinstance(path, Path) and flags & os.O_CREAT else path
        )
        return opened(stripped, flags, *more, **options)

    monkeypatch.setattr("os.open", strip)
    assert choose_local_paths(tmp_path, [("a.",), ("b",)]) == {("a.",): ("a_",)}
