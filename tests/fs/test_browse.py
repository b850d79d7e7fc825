from __future__ import annotations

import os
from pathlib import Path

import pytest

from tuishare.errors import BadInput, NotFound, SystemFailed
from tuishare.fs import browse
from tuishare.fs.browse import Deadline, Extent, ListedEntry, list_folder, measure, to_absolute


def soon() -> Deadline:
    return Deadline(60)


def names(folder: Path, **options: bool | str) -> list[str]:
    listed = list_folder(folder, soon(), **options)  # type: ignore[arg-type]
    return [entry.name for entry in listed.entries]


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(7))
    assert measure(tmp_path / "a", soon()) == Extent(1, 7)


def test_a_folder_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a").write_bytes(bytes(7))
    (tmp_path / "b").write_bytes(bytes(3))
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "b")
    os.mkfifo(tmp_path / "pipe")
    assert measure(tmp_path, soon()) == Extent(2, 10)


def test_a_count_ends_by_number_time_and_when_it_is_cancelled(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"x")
    assert measure(tmp_path, soon(), most=3) == Extent(3, 3, whole=False)
    cancelled = soon()
    cancelled.cancel()
    for deadline in (cancelled, Deadline(0)):
        assert measure(tmp_path, deadline) == Extent(0, 0, whole=False)


def test_what_cannot_be_counted(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput):
        measure(tmp_path / "link", soon())
    for missing in (tmp_path / "none", tmp_path / "x\0y"):
        with pytest.raises(NotFound):
            measure(missing, soon())
    with pytest.raises(SystemFailed):
        measure(tmp_path / ("x" * 300), soon())


def test_a_listing_has_folders_first(tmp_path: Path) -> None:
    for folder in ("b", "Zoo"):
        (tmp_path / folder).mkdir()
    for file in ("a", ".hidden", "Bee"):
        (tmp_path / file).touch()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    listed = list_folder(tmp_path, soon())
    assert listed.path == str(tmp_path)
    assert listed.whole
    assert listed.entries[0] == ListedEntry("b", is_folder=True)
    assert names(tmp_path) == ["b", "link", "Zoo", ".hidden", "a", "Bee", "broken"]
    assert names(tmp_path, folders_only=True) == ["b", "link", "Zoo"]
    assert names(tmp_path, start="b") == ["b", "broken"]


def test_a_name_that_is_not_unicode_is_left_out(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"a\xff")).touch()
    (tmp_path / "b").touch()
    assert names(tmp_path) == ["b"]
    assert not list_folder(tmp_path, soon()).whole


def test_a_listing_ends_by_number_time_and_when_it_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        (tmp_path / str(number)).touch()
    cancelled = soon()
    cancelled.cancel()
    for deadline in (cancelled, Deadline(0)):
        listed = list_folder(tmp_path, deadline)
        assert (listed.entries, listed.whole) == ((), False)
    monkeypatch.setattr(browse, "MOST_LISTED", 3)
    listed = list_folder(tmp_path, soon())
    assert ([entry.name for entry in listed.entries], listed.whole) == (["0", "1", "2"], False)
    monkeypatch.setattr(browse, "MOST_SCANNED", 2)
    assert len(list_folder(tmp_path, soon()).entries) == 2


def test_the_nearest_folder_is_listed_instead(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for missing in (tmp_path / "file", tmp_path / "none" / "deeper", tmp_path / "x\0y"):
        with pytest.raises(NotFound):
            list_folder(missing, soon())
        assert list_folder(missing, soon(), nearest=True).path == str(tmp_path)


def test_a_typed_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert to_absolute("~/films/../a/") == Path("/home/alice/a")
    assert to_absolute("/b") == Path("/b")
    for relative in ("films", "./films", "~no-such-user/films", ""):
        with pytest.raises(BadInput):
            to_absolute(relative)
