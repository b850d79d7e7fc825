from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.torrents.samples import descriptors_kept, write
from tuishare.errors import SystemFailed
from tuishare.torrents import Changed, FileEntry, Tree, walk
from tuishare.torrents.reading import Source, close, read_into


def read_all(tree: Tree) -> list[bytes]:
    contents = []
    with Source(tree) as source:
        for entry in tree.files:
            view = memoryview(bytearray(entry.size))
            descriptor = source.open(entry)
            read_into(descriptor, entry, view, 0)
            close(descriptor, entry)
            contents.append(bytes(view))
    return contents


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name in ["a/1", "a/2", "a/b/3", "a/b/4", "c/5", "d"]:
        write(tmp_path / "t" / name, 100)
    return tmp_path / "t"


def test_reads_what_is_there_and_leaves_nothing_open(top: Path) -> None:
    tree = walk(top)
    with descriptors_kept():
        assert read_all(tree) == [top.joinpath(*entry.parts).read_bytes() for entry in tree.files]
        assert read_all(walk(top / "d")) == [(top / "d").read_bytes()]


def test_each_folder_is_opened_once_for_all_its_files(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = walk(top)
    opened: list[str] = []
    real = os.open

    def spy(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened.append(Path(path).name)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", spy)
    read_all(tree)
    assert opened == ["t", "a", "1", "2", "b", "3", "4", "c", "5", "d"]


def replace_by_link(path: Path) -> None:
    away = path.rename(path.parent.parent / "away")
    path.symlink_to(away)


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def replace_by_copy(path: Path) -> None:
    status = path.stat()
    content = path.read_bytes()
    path.rename(path.parent.parent / "away")
    path.write_bytes(content)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def truncate(path: Path) -> None:
    status = path.stat()
    os.truncate(path, 50)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        replace_by_link,
        replace_by_pipe,
        replace_by_device,
        replace_by_copy,
        replace_by_folder,
        touch,
        truncate,
        Path.unlink,
    ],
)
def test_only_the_file_that_was_walked_is_read(top: Path, change: object) -> None:
    tree = walk(top)
    assert callable(change)
    change(top / "a" / "1")
    with descriptors_kept(), pytest.raises(Changed, match="“a/1” changed"):
        read_all(tree)


def entry_like(path: Path, device: int = 0) -> FileEntry:
    """What a walk would have seen, had this been a regular file with this very inode."""
    status = path.lstat()
    return FileEntry(
        (path.name,),
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
        status.st_dev + device,
        status.st_ctime_ns,
    )


def test_pipe_is_not_read_even_if_it_got_the_inode_of_the_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    entry = entry_like(tmp_path / "pipe")
    with (
        Source(Tree(tmp_path, tmp_path.name, True, (entry,), ())) as source,
        descriptors_kept(),
        pytest.raises(Changed, match="“pipe” changed"),
    ):
        source.open(entry)


def test_same_inode_on_another_file_system_is_another_file(top: Path) -> None:
    with Source(walk(top)) as source:
        entry = entry_like(top / "d")
        close(source.open(entry), entry)
        with pytest.raises(Changed):
            source.open(entry_like(top / "d", device=1))


def test_folder_exchanged_for_a_link_is_not_entered(top: Path) -> None:
    tree = walk(top)
    (top / "a").rename(top.parent / "away")
    (top / "a").symlink_to(top.parent / "away")  # the very same files behind it
    with descriptors_kept(), pytest.raises(Changed, match="“a/1” changed"):
        read_all(tree)


def test_root_exchanged_for_a_link_is_not_entered(top: Path) -> None:
    tree = walk(top)
    top.rename(top.parent / "away")
    top.symlink_to(top.parent / "away")
    with pytest.raises(Changed, match="“t” changed"):
        read_all(tree)


def test_change_while_reading_is_noticed_at_the_end(top: Path) -> None:
    tree = walk(top / "d")
    [entry] = tree.files
    with Source(tree) as source, descriptors_kept():
        descriptor = source.open(entry)
        touch(top / "d")
        with pytest.raises(Changed):
            close(descriptor, entry)


def test_file_that_shrinks_while_it_is_read(top: Path) -> None:
    tree = walk(top / "d")
    [entry] = tree.files
    with Source(tree) as source:
        descriptor = source.open(entry)
        os.truncate(top / "d", 50)
        with pytest.raises(Changed):
            read_into(descriptor, entry, memoryview(bytearray(100)), 0)
        os.close(descriptor)


def test_failing_disk_is_the_systems_fault(top: Path) -> None:
    tree = walk(top / "d")
    [entry] = tree.files
    descriptor = os.open(top, os.O_RDONLY)  # reading a folder fails as reading a bad sector would
    with pytest.raises(SystemFailed, match="Cannot read “d”"):
        read_into(descriptor, entry, memoryview(bytearray(1)), 0)
    os.close(descriptor)
