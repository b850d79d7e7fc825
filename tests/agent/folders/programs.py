# ruff: noqa: ASYNC221, ASYNC240 — the files of a test are small and near
"""What programs do to the entries of a drop folder, and a model of what a recipient may then get.

The model knows each form that an entry has had while no program had it open: only these are complete.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.agent.homes import edit_unseen

Form = frozenset[tuple[str, bytes]]
"""Paths below an entry with the SHA-256 of their bytes; of an entry that is a file, the path is empty."""
NAMES: Final = ("a", "b", "c.mov")
PAUSE: Final = 0.35
"""Seconds that a program rests in the middle; an entry settles after a third of that."""


def form_of(path: Path) -> Form:
    """The form of an entry as it is; without temporary names, which are no part of it."""
    if path.is_file():
        return frozenset({("", hashlib.sha256(path.read_bytes()).digest())})
    return frozenset(
        (str(file.relative_to(path)), hashlib.sha256(file.read_bytes()).digest())
        for file in path.rglob("*")
        if file.is_file() and not file.name.endswith(".tmp")
    )


class Programs:
    """Acts on a drop folder.

    Attributes:
        complete: every form that an entry has had while no program wrote to it.
        departures: how often an entry left its name: what comes back is shared again, though it is the same.
    """

    def __init__(self, drop: Path) -> None:
        self.drop = drop
        self.outside = drop.with_name("outside")
        self.outside.mkdir()
        self.complete: set[Form] = set()
        self.departures = 0
        self._written = 0

    def entries(self) -> dict[str, Form]:
        """The entries there are, with their forms."""
        return {name: form_of(self.drop / name) for name in NAMES if (self.drop / name).exists()}

    async def act(self, kind: str, name: str, other: str) -> None:
        """Let one program do what it does, from its beginning to its end."""
        acts: dict[str, Callable[[Path, Path], object]] = {
            "write": self._write,
            "append": self._append,
            "truncate": self._truncate,
            "copy folder": self._copy_folder,
            "temporary inside": self._temporary_inside,
            "save atomically": self._save,
            "touch back": self._touch_back,
            "change mode": self._change_mode,
            "write by another link": self._write_by_link,
            "rename": self._rename,
            "remove": self._remove,
            "mount over": self._mount_over,
        }
        done = acts[kind](self.drop / name, self.drop / other)
        if asyncio.iscoroutine(done):
            await done
        self.complete.update(self.entries().values())

    def _bytes(self) -> bytes:
        """Bytes that are nowhere else; less than a block, so that the root of a file is their SHA-256."""
        self._written += 1
        return b"%d " % self._written + os.urandom(2_000)

    async def _write_slowly(self, path: Path, flags: int) -> None:
        """Write in two steps with a rest between them, and keep the file open all the while."""
        descriptor = os.open(path, flags, 0o644)
        try:
            os.write(descriptor, self._bytes())
            await asyncio.sleep(PAUSE)
            os.write(descriptor, self._bytes())
        finally:
            os.close(descriptor)

    def _file(self, path: Path) -> Path:
        return path / "inner" if path.is_dir() else path

    async def _write(self, path: Path, _: Path) -> None:
        await self._write_slowly(self._file(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    async def _append(self, path: Path, _: Path) -> None:
        await self._write_slowly(self._file(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def _truncate(self, path: Path, _: Path) -> None:
        descriptor = os.open(self._file(path), os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.ftruncate(descriptor, 0)
            await asyncio.sleep(PAUSE)
            os.write(descriptor, self._bytes())
        finally:
            os.close(descriptor)

    async def _copy_folder(self, path: Path, _: Path) -> None:
        """A copy of several files: one is open at every moment that lasts."""
        if path.exists():
            return
        path.mkdir()
        held = os.open(path / "inner", os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            (path / "first").write_bytes(self._bytes())
            await asyncio.sleep(PAUSE)
            os.write(held, self._bytes())
            (path / "last").write_bytes(self._bytes())
        finally:
            os.close(held)

    async def _temporary_inside(self, path: Path, _: Path) -> None:
        if path.is_dir():
            temporary = path / "download.tmp"
            await self._write_slowly(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            temporary.rename(path / f"download {self._written}")

    def _save(self, path: Path, _: Path) -> None:
        if not path.is_dir():
            temporary = path.with_name(f".{path.name}.{self._written:06}")
            temporary.write_bytes(self._bytes())
            temporary.replace(path)

    def _touch_back(self, path: Path, _: Path) -> None:
        if (file := self._file(path)).exists():
            edit_unseen(file)

    def _change_mode(self, path: Path, _: Path) -> None:
        if (file := self._file(path)).exists():
            file.chmod(0o600 if file.stat().st_mode & 0o044 else 0o644)

    async def _write_by_link(self, path: Path, _: Path) -> None:
        """Write through another name, outside, of which the drop folder gets no event."""
        if not (file := self._file(path)).exists():
            return
        link = self.outside / f"{self._written}"
        os.link(file, link)
        await self._write_slowly(link, os.O_WRONLY | os.O_APPEND)
        link.unlink()

    def _rename(self, path: Path, other: Path) -> None:
        if path.exists() and not other.exists():
            path.rename(other)
            self.departures += 1

    def _remove(self, path: Path, _: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        self.departures += 1

    async def _mount_over(self, _: Path, __: Path) -> None:
        """The disk of the folder is away for a while: there is an empty place, or none."""
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tuishare-test", str(self.drop)]
        if os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode:
            await asyncio.sleep(PAUSE)
            subprocess.run(["umount", "-l", self.drop], check=True)
        else:
            away = self.drop.with_name("away")
            self.drop.rename(away)
            await asyncio.sleep(PAUSE)
            away.rename(self.drop)


ACTS: Final = (
    *("write", "append", "truncate", "copy folder", "temporary inside", "save atomically", "touch back"),
    *("change mode", "write by another link", "rename", "remove", "mount over"),
)
