"""A new generation takes the place of what is as it was delivered; whatever a recipient did stays where they see it."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.agent.downloads.generations import Runway
from tests.agent.homes import edit_unseen
from tuishare.agent.downloads import files, replaced_payloads
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.folders import leases
from tuishare.agent.folders.leases import Hold
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
        with os.fdopen(os.open("c", os.O_WRONLY, dir_fd=folder), "wb") as file:
            file.write(b"mine")
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files, "move_into_place", write_first)
        kept = runway.land().kept
    os.close(folder)
    assert kept is not None
    assert sorted(path.name for path in kept.rglob("*")) == ["c", "mine", "sub"]
    assert (kept / "sub" / "c").read_bytes().startswith(b"mine")
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


# A recipient who does anything at any time


class Recipient:
    """Does random things to what came. Each leaves a mark that is found again, or is undone by the recipient alone."""

    def __init__(self, runway: Runway, dice: random.Random) -> None:
        self._runway = runway
        self._dice = dice
        self._open = ExitStack()
        self._handles: list[tuple[int, str]] = []
        self._marks: set[str] = set()
        self._count = 0
        self._deeds: tuple[Callable[[Path, str], object], ...] = (
            self._edit, self._edit, self._append, self._truncate, self._chmod, self._rename, self._delete,
            self._link, self._pipe, self._make_folder, self._hide, self._exchange, self._link_again, self._hold,
        )  # fmt: skip

    def act(self) -> None:
        """Do one thing; what is marked afterwards must never be lost."""
        deed, path = self._dice.choice(self._deeds), self._choose()
        self._count += 1
        standing = [handle for handle in self._handles if os.fstat(handle[0]).st_nlink]
        # Nothing to do it to; or it would wait for us: we are one thread.
        with suppress(OSError):
            if path is not None:
                deed(path, f"mark{self._count:04}")
        self._marks = self.find(hidden=True)
        # What the recipient has deleted is theirs to lose.
        gone = [handle for handle in standing if not os.fstat(handle[0]).st_nlink]
        self._handles = [handle for handle in self._handles if handle not in gone]

    def finish(self) -> None:
        """Write what was held open, and check."""
        for number, (descriptor, mark) in enumerate(self._handles):
            os.pwrite(descriptor, mark.encode(), 100 + 8 * number)
            self._marks.add(mark)
        self._open.close()
        assert self._marks - self.find(hidden=False) == set()

    def find(self, *, hidden: bool) -> set[str]:
        """The marks that there are, also or not where only the agent looks."""
        found: set[str] = set()
        for path in (self._runway.root / "downloads").rglob("*"):
            if not hidden and INCOMING in path.parts:
                continue
            with suppress(OSError):
                found |= set(_marks_of(path))
        return found

    def _choose(self) -> Path | None:
        """A file of what came, mostly of what came last; also while it is out of the way."""
        downloads = self._runway.root / "downloads"
        held = list(downloads.glob(f"{INCOMING}/*.former/*/*"))
        tops = held or list(downloads.glob("alice/*"))
        if not tops:
            return None
        top = self._dice.choice(tops)
        inside = [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]
        return self._dice.choice(inside) if inside else top

    def _open_file(self, path: Path) -> int:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise FileNotFoundError
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)

    def _edit(self, path: Path, mark: str) -> None:
        status = path.lstat()
        descriptor = self._open_file(path)
        os.pwrite(descriptor, mark.encode(), self._dice.randrange(50, 1_000) * 8)
        os.close(descriptor)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _append(self, path: Path, mark: str) -> None:
        descriptor = self._open_file(path)
        os.pwrite(descriptor, mark.encode(), os.fstat(descriptor).st_size)
        os.close(descriptor)

    def _truncate(self, path: Path, mark: str) -> None:
        descriptor = self._open_file(path)
        os.ftruncate(descriptor, 40)
        os.pwrite(descriptor, mark.encode(), 30)
        os.close(descriptor)

    def _chmod(self, path: Path, _mark: str) -> None:
        path.chmod(self._dice.choice([0o600, 0o640, 0o604, 0o660]))

    def _rename(self, path: Path, mark: str) -> None:
        path.rename(self._beside(path, mark))

    def _delete(self, path: Path, _mark: str) -> None:
        path.unlink()

    def _beside(self, path: Path, mark: str) -> Path:
        if path.parent.parent.name.endswith(".former"):
            raise FileNotFoundError  # a private folder that nobody was in before
        return path.with_name(mark)

    def _link(self, path: Path, mark: str) -> None:
        self._beside(path, mark).symlink_to(path.name)

    def _pipe(self, path: Path, mark: str) -> None:
        os.mkfifo(self._beside(path, mark))

    def _make_folder(self, path: Path, mark: str) -> None:
        self._beside(path, mark).mkdir()

    def _hide(self, path: Path, mark: str) -> None:
        self._beside(path, f".{mark}.part").write_bytes(b"mine")

    def _exchange(self, path: Path, mark: str) -> None:
        path.unlink()
        (path / mark).mkdir(parents=True)

    def _link_again(self, path: Path, mark: str) -> None:
        os.link(path, self._beside(path, mark))

    def _hold(self, path: Path, mark: str) -> None:
        descriptor = self._open_file(path)
        self._open.callback(os.close, descriptor)
        if os.fstat(descriptor).st_nlink and len(self._handles) < 3:
            self._handles.append((descriptor, mark))


def _marks_of(path: Path) -> Iterator[str]:
    status = path.lstat()
    name = path.name.strip(".").removesuffix(".part")
    if name.startswith("mark"):
        yield name
    if stat.S_ISREG(status.st_mode):
        content = path.read_bytes()
        start = content.find(b"mark")
        while start >= 0:
            yield content[start : start + 8].decode()
            start = content.find(b"mark", start + 8)


STEPS = {
    replaced_payloads: ("find_untouched", "take_inventory", "is_written", "read_lease"),
    files: ("_move", "move_into_place", "drop_unwanted", "fsync_tree"),
}


@pytest.mark.parametrize("leased", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_a_recipient_did_is_ever_destroyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, leased: bool
) -> None:
    dice = random.Random(seed)
    runway = Runway(tmp_path, folder=dice.random() < 0.7)
    recipient = Recipient(runway, dice)
    if not leased:
        monkeypatch.setattr(leases, "_ask", lambda _descriptor: Hold.UNKNOWN)

    def act_around(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if dice.random() < 0.07:
                recipient.act()
            result = function(*args, **more)
            if dice.random() < 0.07:
                recipient.act()
            return result

        return call

    runway.deliver(b"first")
    for generation in range(5):
        for _ in range(dice.choice([0, 0, 0, 1, 3])):
            recipient.act()
        runway.begin(f"generation {generation}".encode())
        with monkeypatch.context() as patch:
            for module, names in STEPS.items():
                for name in names:
                    patch.setattr(module, name, act_around(getattr(module, name)))
            with suppress(FileNotFoundError):
                runway.land()
        assert runway.record is not None
        if runway.record.staging:  # the recipient took it away while it came
            runway.files.discard(runway.record)
            runway.record = None
            break
    recipient.finish()
    assert incoming(runway) == []
