"""A recipient who does anything at any time to what came: nothing of it is ever destroyed."""

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
from tests.agent.downloads.test_replaced_payloads import incoming
from tuishare.agent.downloads import files, replaced_payloads
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.folders import leases
from tuishare.agent.folders.leases import Hold


class Recipient:
    """Does random things to what came. Each leaves a mark that is found again, or is undone by the recipient alone."""

    def __init__(self, runway: Runway, dice: random.Random, *, leased: bool) -> None:
        self._runway = runway
        self._leased = leased
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
        if not self._leased and any(part.endswith(".former") for part in path.parts):
            return  # without leases, a program that opens a file there after the last look is not seen
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


SEEDS = int(os.environ.get("TUISHARE_EDIT_SEEDS", "20"))
STEPS = {
    replaced_payloads: ("find_untouched", "take_inventory", "is_written", "read_lease"),
    files: ("_move", "move_into_place", "drop_unwanted", "fsync_tree"),
}


@pytest.mark.parametrize("leased", [True, False])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_that_a_recipient_did_is_ever_destroyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, leased: bool
) -> None:
    dice = random.Random(seed)
    runway = Runway(tmp_path, folder=dice.random() < 0.7)
    recipient = Recipient(runway, dice, leased=leased)
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
