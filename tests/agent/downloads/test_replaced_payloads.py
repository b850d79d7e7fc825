"""A new generation takes the place of what is as it was delivered; whatever a recipient did stays where they see it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.agent.downloads.generations import Runway
from tests.agent.homes import edit_unseen
from tuishare.agent.downloads import files, replaced_payloads
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.folders import leases
from tuishare.agent.folders.leases import Hold
from tuishare.errors import NotFound
from tuishare.fs import atomic


@pytest.fixture(params=["file", "folder"])
def runway(tmp_path: Path, request: pytest.FixtureRequest) -> Runway:
    return Runway(tmp_path, folder=request.param == "folder")


def one(path: Path) -> Path:
    """One file of a payload."""
    return path / "a" if path.is_dir() else path


def incoming(runway: Runway) -> list[str]:
    return os.listdir(runway.root / "downloads" / INCOMING)


def test_what_is_untouched_is_replaced(runway: Runway) -> None:
    for content in (b"first", b"second", b"third"):
        landed = runway.deliver(content)
        assert (landed.kept, runway.seen) == (None, ["x"])
        assert one(runway.landed).read_bytes().startswith(content)
        assert incoming(runway) == []


def test_what_was_touched_is_kept_and_said(runway: Runway) -> None:
    runway.deliver(b"first")
    mine = edit_unseen(one(runway.landed))
    first = runway.landed
    assert runway.deliver(b"second").kept == first
    assert runway.seen == ["x", "x (2)"]
    assert one(first).read_bytes() == mine
    assert incoming(runway) == []


def test_what_is_open_for_writing_is_kept(runway: Runway) -> None:
    runway.deliver(b"first")
    first = runway.landed
    with one(first).open("r+b") as file:
        assert runway.deliver(b"second").kept == first
        file.write(b"late")
    assert one(first).read_bytes().startswith(b"late")


def test_another_name_takes_the_former_with_it_unless_that_was_touched(runway: Runway) -> None:
    runway.deliver(b"first")
    runway.deliver(b"second", name="y")
    assert runway.seen == ["y"]
    edit_unseen(one(runway.landed))
    kept = runway.landed
    assert runway.deliver(b"third", name="z").kept == kept
    assert runway.seen == ["y", "z"]


def test_a_second_name_stays_for_all_generations(runway: Runway) -> None:
    runway.place.mkdir(parents=True)
    (runway.place / "x").write_text("somebody's")
    for content in (b"first", b"second", b"third"):
        assert runway.deliver(content).kept is None
        assert runway.seen == ["x", "x (2)"]
        assert one(runway.place / "x (2)").read_bytes().startswith(content)


def test_an_empty_folder_is_not_replaced(tmp_path: Path) -> None:
    runway = Runway(tmp_path)
    runway.deliver(b"first")
    runway.landed.rename(runway.place / "moved")
    (runway.place / "x").mkdir(mode=0o711)
    runway.deliver(b"second")
    assert runway.seen == ["moved", "x", "x (2)"]
    assert os.listdir(runway.place / "x") == []


@pytest.mark.parametrize("lease", [True, False])
def test_a_write_between_the_look_and_the_move_is_found(
    runway: Runway, monkeypatch: pytest.MonkeyPatch, lease: bool
) -> None:
    """Renaming changes the ctime of a single file, so that only a lease or its hashes tell."""
    runway.deliver(b"first")
    runway.begin(b"second")
    first = runway.landed
    rename = Path.rename
    written: list[bytes] = []

    def write_first(path: Path, target: Path) -> Path:
        if path == first and not written:
            written.append(edit_unseen(one(first)))
        return rename(path, target)

    if not lease:
        monkeypatch.setattr(leases, "_ask", lambda _descriptor: Hold.UNKNOWN)
    elif not runway.folder:
        pytest.skip("with a lease nobody can write there")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", write_first)
        landed = runway.land()
    assert landed.kept is not None
    assert one(landed.kept).read_bytes() == written[0]
    assert incoming(runway) == []


def test_a_write_after_the_last_look_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a program whose working folder it is."""
    runway = Runway(tmp_path)
    runway.deliver(b"first")
    runway.begin(b"second")
    folder = os.open(runway.landed / "sub", os.O_RDONLY)
    move = atomic.move_into_place

    def write_first(source: Path, target: Path) -> None:
        os.close(os.open("mine", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=folder))
        os.mkdir("empty", dir_fd=folder)
        with os.fdopen(os.open("c", os.O_WRONLY, dir_fd=folder), "wb") as file:
            file.write(b"mine")
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "move_into_place", write_first)
        kept = runway.land().kept
    os.close(folder)
    assert kept is not None
    assert sorted(path.name for path in kept.rglob("*")) == ["c", "empty", "mine", "sub"]
    assert (kept / "sub" / "c").read_bytes().startswith(b"mine")
    assert incoming(runway) == []


def test_what_a_program_writes_beside_it_out_of_the_way_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a program whose working folder it is, and which goes upwards."""
    runway = Runway(tmp_path)
    runway.deliver(b"first")
    runway.begin(b"second")
    folder = os.open(runway.landed / "sub", os.O_RDONLY)
    move = atomic.move_into_place

    def write_first(source: Path, target: Path) -> None:
        os.close(os.open("../../../mine", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=folder))
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "move_into_place", write_first)
        runway.land()
    os.close(folder)
    runway.files.sweep(set())
    (held,) = (tmp_path / "downloads" / INCOMING).iterdir()
    assert os.listdir(held) == ["mine"]


@pytest.mark.parametrize("taken", [True, False])
def test_what_is_out_of_the_way_is_private_and_may_be_taken_away(
    runway: Runway, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    runway.deliver(b"first")
    runway.begin(b"second")
    move, modes = atomic.move_into_place, []

    def look_first(source: Path, target: Path) -> None:
        (held,) = (runway.root / "downloads" / INCOMING).glob("*.former")
        modes.append(stat.S_IMODE((held / "alice").stat().st_mode))
        if taken:
            shutil.rmtree(held)
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "move_into_place", look_first)
        assert runway.land().kept is None
    assert (modes, runway.seen, incoming(runway)) == ([0o700], ["x"], [])


def test_what_cannot_be_moved_out_of_the_way_stays(runway: Runway, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it is a mount of its own."""
    runway.deliver(b"first")
    first, rename = runway.landed, Path.rename
    runway.begin(b"second")

    def refuse(path: Path, target: Path) -> Path:
        if path == first:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        assert runway.land().kept == first
    assert one(first).read_bytes().startswith(b"first")
    assert (runway.seen, incoming(runway)) == (["x", "x (2)"], [])


def test_what_is_opened_for_writing_after_the_last_look_is_kept(
    runway: Runway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells yet that it is about to change."""
    runway.deliver(b"first")
    runway.begin(b"second")
    move, opened = atomic.move_into_place, ExitStack()
    writers: list[BinaryIO] = []

    def open_first(source: Path, target: Path) -> None:
        (held,) = (runway.root / "downloads" / INCOMING).glob("*.former/*/x")
        writers.append(opened.enter_context(one(held).open("r+b")))
        move(source, target)

    with opened, monkeypatch.context() as patch:
        patch.setattr(files, "move_into_place", open_first)
        kept = runway.land().kept
        writers[0].write(b"mine")
    assert kept is not None
    assert one(kept).read_bytes().startswith(b"mine")
    assert incoming(runway) == []


class Crash(BaseException):
    """As if killed."""


@pytest.mark.parametrize("edited", [True, False])
@pytest.mark.parametrize("point", ["_look_again", "retire", "_discard"])
def test_after_a_crash_it_is_looked_at_once_more(
    runway: Runway, monkeypatch: pytest.MonkeyPatch, point: str, edited: bool
) -> None:
    runway.deliver(b"first")
    record = runway.begin(b"second")

    def crash(*_: object, **_more: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(replaced_payloads.ReplacedPayloads, point, crash)
        with pytest.raises(Crash):
            runway.land()
    (held,) = (runway.root / "downloads" / INCOMING).glob("*.*/*/x")
    mine = edit_unseen(one(held)) if edited else b""
    runway.restart()
    runway.files.sweep({record.staging})
    landed = runway.land()
    contents = {one(runway.place / name).read_bytes() for name in runway.seen}
    assert any(content.startswith(b"second") for content in contents)
    assert len(contents) == 1 + edited
    assert not edited or mine in contents
    assert (point == "_discard") or (landed.kept is not None) is edited
    assert incoming(runway) == []


def test_a_folder_that_a_crash_left_half_discarded_goes_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was deleted in it has changed its times, as a recipient would have."""
    runway = Runway(tmp_path)
    runway.deliver(b"first")
    record = runway.begin(b"second")
    rmdir = Path.rmdir

    def crash(path: Path) -> None:
        if path.name == "sub":
            raise Crash
        rmdir(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rmdir", crash)
        with pytest.raises(Crash):
            runway.land()
    assert not list(tmp_path.glob(f"downloads/{INCOMING}/*/*/x/sub/*"))
    runway.restart()
    runway.files.sweep({record.staging})
    assert (runway.land().kept, runway.seen) == (None, ["x"])
    assert incoming(runway) == []


@pytest.mark.parametrize("known", [True, False])
def test_what_made_room_comes_back_when_the_download_is_given_up(
    runway: Runway, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    runway.deliver(b"first")
    first = one(runway.landed).read_bytes()
    record = runway.begin(b"second")

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(files, "_move", crash)
        with pytest.raises(Crash):
            runway.land()
    assert runway.seen == []
    if known:
        runway.files.discard(record)
    else:
        runway.files.sweep(set())
    assert (runway.seen, one(runway.place / "x").read_bytes()) == (["x"], first)
    assert incoming(runway) == []


def test_a_name_that_is_taken_while_it_is_put_back_is_left_to_its_owner(
    runway: Runway, monkeypatch: pytest.MonkeyPatch
) -> None:
    runway.deliver(b"first")
    first = one(runway.landed).read_bytes()
    record = runway.begin(b"second")

    def crash(*_: object) -> None:
        raise Crash

    def take_first(source: Path, target: Path) -> None:
        if not (runway.place / "x").exists():
            target.write_text("somebody's")
        atomic.move_into_place(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_move", crash)
        with pytest.raises(Crash):
            runway.land()
        patch.setattr(replaced_payloads, "move_into_place", take_first)
        runway.files.discard(record)
    assert runway.seen == ["x", "x (2)"]
    assert (runway.place / "x").read_text() == "somebody's"
    assert one(runway.place / "x (2)").read_bytes() == first


def test_what_made_room_comes_back_when_what_came_is_gone(
    runway: Runway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and not when the recipient gives the download up."""
    runway.deliver(b"first")
    first = one(runway.landed).read_bytes()
    record = runway.begin(b"second")

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(files, "_move", crash)
        with pytest.raises(Crash):
            runway.land()
    shutil.rmtree(record.staging)
    runway.restart()
    with pytest.raises(NotFound, match="gone"):
        runway.land()
    assert (runway.seen, one(runway.place / "x").read_bytes()) == (["x"], first)
    assert incoming(runway) == []
