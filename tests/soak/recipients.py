"""Changes of recipients to what they received, as operations like those of `tests.soak.operations`.

Owns the records for the verdict: which delivered forms are no longer expected, and what must never be lost.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.soak.entries import History, digest_of, original_name
from tests.soak.keepsakes import Keepsake, Keepsakes, Moded, Named, Sight, Wrote
from tests.soak.peer import Peer

OWN_PREFIX = "mine-"
"""How every name begins that a recipient gives to a whole entry."""
_MODES = (0o400, 0o444, 0o640, 0o755)


class Recipients:
    """Does something to an entry that was delivered; to none while there is none.

    Attributes:
        keepsakes: what must not go.
    """

    def __init__(self, peers: tuple[Peer, Peer], history: History) -> None:
        self.keepsakes = Keepsakes()
        self._peers = peers
        self._history = history
        self._names = 0

    async def edit_received(self, random: Random, peer: Peer) -> None:
        """Some bytes of a file become others, or more; sometimes its mtime is put back."""
        data = random.randbytes(random.randint(16, 2_000))
        where, back = random.random(), random.random() < 0.5

        def edit(entry: Path) -> list[Keepsake]:
            file = _choose(random, _files(entry))
            return [Wrote(data)] if file and overwrite(file, data, where, keep_mtime=back) else []

        self._do(random, peer, edit)

    async def add_to_received(self, random: Random, peer: Peer) -> None:
        """A folder gets something of any kind: a file, a hidden one, a link, an empty folder."""
        data = random.randbytes(random.randint(16, 2_000))
        kind = random.choice(("file", "hidden", "link", "folder"))
        name = f".{self._new_name()}" if kind == "hidden" else self._new_name()

        def add(entry: Path) -> list[Keepsake]:
            folder = _choose(random, [entry, *_folders(entry)])
            if folder is None or not folder.is_dir():
                return []
            if kind == "folder":
                (folder / name).mkdir()
            elif kind == "link":
                (folder / name).symlink_to("nowhere")
            else:
                (folder / name).write_bytes(data)
                return [Named(name), Wrote(data)]
            return [Named(name)]

        self._do(random, peer, add)

    async def chmod_received(self, random: Random, peer: Peer) -> None:
        """A file gets another mode."""
        mode = random.choice(_MODES)

        def chmod(entry: Path) -> list[Keepsake]:
            file = _choose(random, _files(entry))
            if file is None:
                return []
            file.chmod(mode)
            return [one for one in Sight.of(file).modes if isinstance(one, Moded)]

        self._do(random, peer, chmod)

    async def rename_received(self, random: Random, peer: Peer) -> None:
        """An entry, or something in it, gets a name of the recipient's own."""
        name, whole = self._new_name(), random.random() < 0.4

        def rename(entry: Path) -> list[Keepsake]:
            old = entry if whole or not entry.is_dir() else _choose(random, _files(entry))
            if old is None:
                return []
            old.rename(old.with_name(name))
            return [Named(name)]

        self._do(random, peer, rename, now=name)

    async def delete_received(self, random: Random, peer: Peer) -> None:
        """An entry, or a file in it, goes."""
        whole = random.random() < 0.5

        def delete(entry: Path) -> list[Keepsake]:
            if entry.is_dir() and whole:
                shutil.rmtree(entry)
            elif file := _choose(random, _files(entry)):
                file.unlink()
            return []

        self._do(random, peer, delete)

    def _do(
        self, random: Random, peer: Peer, deed: Callable[[Path], list[Keepsake]], *, now: str = ""
    ) -> None:
        """Do it to one delivered entry; `now`: a name that the whole entry may have afterwards."""
        (sender,) = (other for other in self._peers if other is not peer)
        folder = peer.home.downloads / sender.home.name
        entry = _choose(random, sorted(folder.glob("entry*")) if folder.is_dir() else [])
        if entry is None:
            return
        before, form = Sight.of(entry), digest_of(entry)
        made: list[Keepsake] = []
        try:
            made = deed(entry)
        except OSError as error:  # ENOENT: a new generation takes its place in this moment
            if error.errno not in {errno.ENOSPC, errno.ENOENT}:
                raise
        after = entry.with_name(now) if now and not os.path.lexists(entry) else entry
        self.keepsakes.change(peer.home.name, before, Sight.of(after), *made)
        self._history.note_touched(sender.home.name, original_name(entry), form, digest_of(after))

    def _new_name(self) -> str:
        self._names += 1
        return f"{OWN_PREFIX}{self._names:05}"


def overwrite(file: Path, data: bytes, where: float, *, keep_mtime: bool) -> bool:
    """Write into a file at a place, from 0 for its beginning to 1 for its end; return whether all was written."""
    status = file.stat()
    with contextlib.suppress(OSError), file.open("r+b", buffering=0) as writer:
        writer.seek(int(where * status.st_size))
        whole = writer.write(data) == len(data)
        if keep_mtime:
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        return whole
    return False


def _choose(random: Random, paths: list[Path]) -> Path | None:
    return random.choice(paths) if paths else None


def _files(entry: Path) -> list[Path]:
    if not entry.is_dir():
        return [entry]
    return sorted(path for path in entry.rglob("*") if path.is_file() and not path.is_symlink())


def _folders(entry: Path) -> list[Path]:
    return sorted(path for path in entry.rglob("*") if path.is_dir() and not path.is_symlink())
