from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.torrents.samples import descriptors_kept
from tuishare.errors import BadInput, NotFound, SystemFailed
from tuishare.torrents import Changed, Skipped, TorrentLimits, walk
from tuishare.torrents.path_rules import component_fault
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_single_file(tmp_path: Path) -> None:
    file = write(tmp_path / "film.mkv", b"12345")
    tree = walk(file)
    assert (tree.root, tree.name, tree.is_folder, tree.total_size) == (file, "film.mkv", False, 5)
    [entry] = tree.files
    status = file.stat()
    assert (entry.parts, entry.size, entry.mtime_ns) == (("film.mkv",), 5, status.st_mtime_ns)
    assert (entry.inode, entry.device) == (status.st_ino, status.st_dev)


def test_folder_is_listed_in_the_order_of_utf8_components(tmp_path: Path) -> None:
    names = ["a/x", "a.txt", "a b", "B/y", "Q", "é", "z/ü/1", "z/u/2", "\U0001f600", "\uffee"]
    for name in names:
        write(tmp_path / "t" / name)
    tree = walk(tmp_path / "t")
    assert tree.is_folder
    assert ["/".join(entry.parts) for entry in tree.files] == [
        "B/y",
        "Q",
        "a/x",
        "a b",
        "a.txt",
        "z/u/2",
        "z/ü/1",
        "é",
        "\uffee",
        "\U0001f600",
    ]


def test_two_walks_compare_equal_until_something_changes(tmp_path: Path) -> None:
    file = write(tmp_path / "t" / "a")
    write(tmp_path / "t" / "b")
    first = walk(tmp_path / "t")
    assert walk(tmp_path / "t") == first
    os.utime(file, ns=(1, 1))
    assert walk(tmp_path / "t") != first


def test_replaced_file_of_same_size_and_time_is_a_difference(tmp_path: Path) -> None:
    file = write(tmp_path / "t" / "a")
    first = walk(tmp_path / "t")
    other = write(tmp_path / "other")
    os.utime(other, ns=(first.files[0].mtime_ns, first.files[0].mtime_ns))
    other.rename(file)
    assert walk(tmp_path / "t") != first


def test_links_pipes_sockets_and_empty_folders_are_reported_not_shared(tmp_path: Path) -> None:
    top = tmp_path / "t"
    write(top / "file")
    secret = write(tmp_path / "secret" / "id_ed25519")
    (top / "to-file").symlink_to(secret)
    (top / "to-folder").symlink_to(secret.parent)
    (top / "broken").symlink_to("nowhere")
    (top / "hole").mkdir()
    os.mkfifo(top / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(top / "sock"))
        tree = walk(top)
    assert [entry.parts for entry in tree.files] == [("file",)]
    assert tree.skipped == (
        Skipped(("broken",), "symbolic link"),
        Skipped(("hole",), "empty folder"),
        Skipped(("pipe",), "named pipe"),
        Skipped(("sock",), "socket"),
        Skipped(("to-file",), "symbolic link"),
        Skipped(("to-folder",), "symbolic link"),
    )


def test_root_that_is_a_link_or_device_is_an_error(tmp_path: Path) -> None:
    target = write(tmp_path / "real" / "file")
    for path, kind in [(tmp_path / "to-file", "symbolic link"), (tmp_path / "to-folder", "symbolic link")]:
        path.symlink_to(target if path.name == "to-file" else target.parent)
        with pytest.raises(BadInput, match=f"it is a {kind}"):
            walk(path)
    with pytest.raises(BadInput, match="it is a symbolic link"):
        walk(Path(f"{tmp_path}/to-folder/"))
    with pytest.raises(BadInput, match="it is a device"):
        walk(Path("/dev/null"))


def test_link_above_the_root_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "real" / "t" / "file")
    (tmp_path / "link").symlink_to("real")
    assert walk(tmp_path / "link" / "t").name == "t"


def test_relative_and_dotted_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "t" / "in" / "file")
    monkeypatch.chdir(tmp_path / "t" / "in")
    assert walk(Path("file")).root == tmp_path / "t" / "in" / "file"
    assert walk(Path()).name == "in"
    assert walk(Path("..")).name == "t"
    with pytest.raises(BadInput, match="root of the file system"):
        walk(Path("/"))


def test_folder_exchanged_for_a_link_meanwhile_leads_nowhere(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret" / "key")
    write(tmp_path / "t" / "a" / "file")
    write(tmp_path / "t" / "b")

    def exchange(parts: tuple[str, ...], _is_folder: bool) -> bool:
        if parts == ("a",):  # it was just seen to be a folder
            (tmp_path / "t" / "a").rename(tmp_path / "away")
            (tmp_path / "t" / "a").symlink_to(secret.parent)
        return False

    with pytest.raises(Changed, match="“a” changed"):
        walk(tmp_path / "t", ignore=exchange)


def test_vanished_entry_is_a_change(tmp_path: Path) -> None:
    write(tmp_path / "t" / "a")
    write(tmp_path / "t" / "b")

    def remove_next(parts: tuple[str, ...], _is_folder: bool) -> bool:
        if parts == ("a",):
            (tmp_path / "t" / "b").unlink()
        return False

    with pytest.raises(Changed, match="“b” changed"):
        walk(tmp_path / "t", ignore=remove_next)


def test_ignored_entries_are_left_out_unreported(tmp_path: Path) -> None:
    for name in ["keep", "cache/1", "cache/2", "x.part"]:
        write(tmp_path / "t" / name)
    asked: list[tuple[tuple[str, ...], bool]] = []

    def ignore(parts: tuple[str, ...], is_folder: bool) -> bool:
        asked.append((parts, is_folder))
        return parts[-1] in {"cache", "x.part"}

    tree = walk(tmp_path / "t", ignore=ignore)
    assert [entry.parts for entry in tree.files] == [("keep",)]
    assert tree.skipped == ()
    assert asked == [(("cache",), True), (("keep",), False), (("x.part",), False)]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (b"\xff", "is not valid UTF-8"),
        (b"a\nb", "hidden character U\\+000A"),
        (b"a\x1b[31m", "hidden character U\\+001B"),
        ("a\u202eb".encode(), "hidden character U\\+202E"),
        (b"a\\b", "path separator"),
    ],
)
def test_name_that_nobody_could_receive_is_an_error_shown_safely(
    tmp_path: Path, name: bytes, fault: str
) -> None:
    (tmp_path / "t").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "t") + b"/" + name)).write_bytes(b"x")
    with pytest.raises(BadInput, match=fault) as caught:
        walk(tmp_path / "t")
    assert caught.value.detail.isprintable()
    assert "for example to “" in caught.value.hint
    proposed = caught.value.hint.partition("“")[2].partition("”")[0]
    assert component_fault(proposed, DEFAULT_LIMITS) is None


def test_names_that_differ_only_in_case_are_two_files(tmp_path: Path) -> None:
    write(tmp_path / "t" / "Readme")
    write(tmp_path / "t" / "README")
    assert [entry.parts for entry in walk(tmp_path / "t").files] == [("README",), ("Readme",)]


def test_nothing_to_share(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "zero", b"")
    write(tmp_path / "zeros" / "a", b"")
    for name in ["empty", "zero", "zeros"]:
        with pytest.raises(BadInput, match="nothing to share"):
            walk(tmp_path / name)
    with pytest.raises(NotFound):
        walk(tmp_path / "missing")


def test_bounds(tmp_path: Path) -> None:
    for name in ["a", "b", "deep/er/file"]:
        write(tmp_path / "t" / name)
    assert (
        len(walk(tmp_path / "t", limits=TorrentLimits(max_files=3, max_depth=4, max_total_size=3)).files) == 3
    )
    with pytest.raises(BadInput, match="more than 2 files"):
        walk(tmp_path / "t", limits=TorrentLimits(max_files=2))
    with pytest.raises(BadInput, match="nested deeper than 3"):
        walk(tmp_path / "t", limits=TorrentLimits(max_depth=3))
    with pytest.raises(BadInput, match="nested deeper than 2"):
        walk(tmp_path / "t", limits=TorrentLimits(max_depth=2))
    with pytest.raises(BadInput, match="larger than 2 bytes"):
        walk(tmp_path / "t", limits=TorrentLimits(max_total_size=2))


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that others may reach, unlike pytest's own; nothing in it is read as root."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def as_nobody() -> Iterator[None]:
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("what", ["t/in/closed", "t/in", "t"])
def test_unreadable_is_named(open_path: Path, what: str) -> None:
    write(open_path / "t" / "in" / "closed")
    locked = open_path / what
    mode = locked.stat().st_mode
    locked.chmod(0)
    try:
        with as_nobody(), pytest.raises(SystemFailed, match=f"“(in/)?{locked.name}”"):
            walk(open_path / "t")
        if locked.is_file():
            with as_nobody(), pytest.raises(SystemFailed, match="“closed”"):
                walk(locked)
    finally:
        locked.chmod(mode)


def test_files_of_others_are_fine_if_readable(open_path: Path) -> None:
    write(open_path / "t" / "file").chmod(0o444)
    (open_path / "t").chmod(0o555)
    with as_nobody():
        assert walk(open_path / "t").total_size == 1
    (open_path / "t").chmod(0o755)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    write(tmp_path / "t" / "a" / "b" / "file")
    write(tmp_path / "t" / "c" / "bad\nname")
    with descriptors_kept(), pytest.raises(BadInput):
        walk(tmp_path / "t")


def test_huge_folder_ends_early(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / "t" / f"{number:02}")
    seen: list[tuple[str, ...]] = []

    def watch(parts: tuple[str, ...], _is_folder: bool) -> bool:
        seen.append(parts)
        return False

    with pytest.raises(BadInput, match="more than 5 files"):
        walk(tmp_path / "t", ignore=watch, limits=TorrentLimits(max_files=5))
    assert len(seen) == 6


def test_very_deep_folder_ends_early(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(100):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    with pytest.raises(BadInput, match="nested deeper than 64"):
        walk(tmp_path / "d")
