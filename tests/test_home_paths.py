"""Places and atomic publishing, on real files."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from tuishare.errors import BadConfiguration, NotFound, SystemFailed
from tuishare.fs.atomic import choose_place, free_name, move_into_place, publish, read_limited, sweep
from tuishare.home_paths import find_places


def test_one_folder_holds_everything(tmp_path: Path) -> None:
    places = find_places({"TUISHARE_HOME": str(tmp_path)})
    for path in (places.config_file, places.users_file, places.store_file, places.socket, places.lock_file):
        assert path.is_relative_to(tmp_path)


def test_xdg_runtime_dir_holds_the_socket() -> None:
    assert find_places({"XDG_RUNTIME_DIR": "/run/user/7"}).socket == Path("/run/user/7/tuishare.sock")


@pytest.mark.parametrize(
    ("home", "given", "said"),
    [
        ("", "", "No home folder"),
        ("~nosuchuser", "", "No home folder"),
        ("/root", "~nosuchuser/x", "~nosuchuser/x"),
    ],
)
def test_a_home_that_is_not_known_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, home: str, given: str, said: str
) -> None:
    """A container has a user id without an entry in passwd; cron or `env -i` may leave HOME empty."""
    monkeypatch.setenv("HOME", home)
    with pytest.raises(BadConfiguration, match=said):
        find_places({"TUISHARE_HOME": given})


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_does_not_write_into_the_home_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    find_places({"TUISHARE_HOME": str(tmp_path)})
    for folder in (config, tmp_path):
        os.chown(folder, 12345, 12345)
    with pytest.raises(BadConfiguration, match="uid 12345"):
        find_places({"TUISHARE_HOME": str(tmp_path)})
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(BadConfiguration, match="uid 12345"):
        find_places({})


def test_private_folders_are_0700(tmp_path: Path) -> None:
    places = find_places({"TUISHARE_HOME": str(tmp_path / "home")})
    places.prepare()
    for folder in (places.config, places.state, places.runtime):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_socket_path_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="longer than"):
        _ = find_places({"TUISHARE_HOME": str(tmp_path / ("x" * 120))}).socket


def test_publish_replaces_and_sets_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    publish(target, b"new", mode=0o640)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["file"]


def test_publish_without_replace_keeps_what_is_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        publish(target, b"new", replace=False)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_publish_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(SystemFailed, match="no space left") as caught:
        publish(tmp_path / "file", b"x")
    assert "Free some space" in caught.value.hint
    assert os.listdir(tmp_path) == []


def test_sweep_removes_only_our_leftovers(tmp_path: Path) -> None:
    (tmp_path / ".tuishare-00ff.tmp").write_bytes(b"half")
    (tmp_path / "mine.tmp").write_bytes(b"keep")
    sweep(tmp_path)
    assert os.listdir(tmp_path) == ["mine.tmp"]


def test_free_name_counts_up(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "a (2).txt").symlink_to("nowhere")
    assert free_name(tmp_path, "a.txt").name == "a (3).txt"
    assert free_name(tmp_path, "b.txt").name == "b.txt"


def test_an_interrupted_move_is_finished_where_it_began(tmp_path: Path) -> None:
    source, folder = tmp_path / "a.txt", tmp_path / "folder"
    folder.mkdir()
    source.write_text("new")
    (folder / "a.txt").write_text("old")
    target = choose_place(source, folder)
    assert target.name == "a (2).txt"
    os.link(source, target)  # and then the machine went down
    assert choose_place(source, folder) == target
    move_into_place(source, target)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.txt": "old", "a (2).txt": "new"}
    assert not source.exists()


@pytest.mark.parametrize("folder", [False, True])
def test_move_into_place_never_replaces(tmp_path: Path, *, folder: bool) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    _make(source, folder=folder, content=b"new")
    _make(target, folder=folder, content=b"old")
    with pytest.raises(FileExistsError):
        move_into_place(source, target)
    assert _content(source) == b"new"
    assert _content(target) == b"old"


@pytest.mark.parametrize("folder", [False, True])
def test_move_into_place_can_be_repeated(tmp_path: Path, *, folder: bool) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    _make(source, folder=folder, content=b"new")
    if not folder:
        os.link(source, target)  # what a crash between the two steps leaves
    move_into_place(source, target)
    move_into_place(source, target)
    assert _content(target) == b"new"
    assert not source.exists()


def _make(path: Path, *, folder: bool, content: bytes) -> None:
    if folder:
        path.mkdir()
    (path / "f" if folder else path).write_bytes(content)


def _content(path: Path) -> bytes:
    return (path / "f" if path.is_dir() else path).read_bytes()


def test_a_file_system_without_hard_links_is_served_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    source, target, taken = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    for path in (source, taken):
        path.write_bytes(path.name.encode())
    with pytest.raises(FileExistsError):
        move_into_place(source, taken)
    move_into_place(source, target)
    assert (target.read_bytes(), taken.read_bytes(), source.exists()) == (b"a", b"c", False)


def test_a_numbered_envelope_is_still_an_envelope(tmp_path: Path) -> None:
    (tmp_path / "a.torrent.encrypted").touch()
    assert free_name(tmp_path, "a.torrent.encrypted").name == "a (2).torrent.encrypted"


def test_a_name_as_long_as_can_be_is_cut_for_its_number(tmp_path: Path) -> None:
    name = "ü" * 125 + ".mov"
    (tmp_path / name).touch()
    found = free_name(tmp_path, name)
    found.touch()
    assert found.name.endswith("ü (2).mov")


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "large"])
def test_read_limited_refuses(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "in"
    match kind:
        case "link":
            (tmp_path / "real").write_bytes(b"x")
            path.symlink_to(tmp_path / "real")
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.write_bytes(b"x" * 11)
    with pytest.raises(SystemFailed):
        read_limited(path, 10)


def test_read_limited_reads_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x" * 10)
    assert read_limited(tmp_path / "in", 10) == b"x" * 10
    with pytest.raises(NotFound):
        read_limited(tmp_path / "none", 10)
