"""The operations and faults of the soak test, drawn from the seed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from random import Random

from tests.soak.entries import History, is_empty
from tests.soak.peer import SETTLE, Peer
from tests.soak.recipients import Recipients, overwrite
from tests.soak.revocations import PREFIX, Revocations
from tests.waiting import answered

MAX_ENTRIES = 40
_LARGEST = 200_000
_FOUND_SECONDS = 30.0
_ON_THE_MOVE = Path("address")
"""Held while the address of an agent is not known to the other one."""
_JUMP = 10 * 3600
"""Seconds; two clocks may be twice as far apart, which is within what tickets allow for."""


class Operations:
    """Does operations; some go on in the background.

    Attributes:
        history: every form of every entry, noted after each change.
        counts: how often each operation was done.
        refused: how often a full disk refused a write of ours.
        recipients: what people do to what they received.
        revocations: those while the disk refuses.
    """

    def __init__(self, peers: tuple[Peer, Peer], seed: int, *, has_links: bool) -> None:
        self.history = History()
        self._peers = peers
        self._weights = _WEIGHTS | ({Operations.move.__name__: 4} if has_links else {})
        self._seed = seed
        self._number = 0
        self._names = 0
        self._entries: dict[Peer, list[str]] = {peer: [] for peer in peers}
        self._held: set[Path] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts: dict[str, int] = {}
        self.refused = 0
        self.recipients = Recipients(peers, self.history)
        self.revocations = Revocations(peers)

    async def step(self) -> None:
        """Do the next one, after a pause; everything about it but its moment follows from the seed."""
        self._number += 1
        random = Random(f"{self._seed}/{self._number}")
        await asyncio.sleep(random.choice((0.0, 0.02, 0.1, 0.4)))
        name = random.choices(list(self._weights), list(self._weights.values()))[0]
        peer = random.choice(self._peers)
        if len(self._entries[peer]) > MAX_ENTRIES:
            name = "delete"
        doer = self.recipients if hasattr(self.recipients, name) else self
        operation: Callable[[Random, Peer], Awaitable[None]] = getattr(doer, name)
        await operation(random, peer)
        self.counts[name] = self.counts.get(name, 0) + 1

    async def settle(self) -> None:
        """Wait until nothing goes on in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    # Things that people do to entries

    async def drop_file(self, random: Random, peer: Peer) -> None:
        """A file, written in place or moved into it."""
        data = random.randbytes(random.randint(1, _LARGEST))
        entry = self._new(peer)
        if random.random() < 0.5:
            self._alter(peer, entry, lambda: entry.write_bytes(data))
        else:
            self._alter(peer, entry, lambda: self._move_in(peer, entry, lambda made: made.write_bytes(data)))

    async def drop_folder(self, random: Random, peer: Peer) -> None:
        """A folder, filled in place or moved into it."""
        files = {
            f"{n % 3}/{n}": random.randbytes(random.randint(1, 20_000)) for n in range(random.randint(1, 12))
        }
        entry = self._new(peer)

        def fill(folder: Path) -> None:
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
                self.history.note(peer.home.name, entry)

        if random.random() < 0.5:
            self._alter(peer, entry, lambda: fill(entry))
        else:
            self._alter(peer, entry, lambda: self._move_in(peer, entry, fill))

    async def change(self, random: Random, peer: Peer) -> None:
        """Some bytes of an entry become others, or more; its size may stay the same, its mtime be put back."""
        if entry := self._any(random, peer):
            file = random.choice(_files(entry))
            data = random.randbytes(random.randint(1, 5_000))
            where, back = random.random(), random.random() < 0.4
            self._alter(peer, entry, lambda: overwrite(file, data, where, keep_mtime=back))

    async def alter_folder(self, random: Random, peer: Peer) -> None:
        """A folder gets a file, or loses one."""
        entry = self._any(random, peer)
        if entry is None or not entry.is_dir():
            return
        files, data = _files(entry), random.randbytes(random.randint(1, 20_000))
        if len(files) > 1 and random.random() < 0.5:
            gone = random.choice(files)
            self._alter(peer, entry, gone.unlink)
        else:
            self._alter(peer, entry, lambda: (entry / f"new-{self._number}").write_bytes(data))

    async def rename(self, random: Random, peer: Peer) -> None:
        """An entry gets a name that nothing ever had."""
        if entry := self._any(random, peer):
            target = self._new(peer)
            self._entries[peer].remove(entry.name)
            entry.rename(target)
            self.history.note(peer.home.name, target)

    async def delete(self, random: Random, peer: Peer) -> None:
        """An entry goes; sometimes another one of its name comes at once."""
        if entry := self._any(random, peer):
            _remove(entry)
            if random.random() < 0.3:
                data = random.randbytes(random.randint(1, _LARGEST))
                self._alter(peer, entry, lambda: entry.write_bytes(data))
            else:
                self._entries[peer].remove(entry.name)

    async def copy_slowly(self, random: Random, peer: Peer) -> None:
        """A large file arrives little by little, its writer holding it open."""
        entry = self._new(peer)
        parts = [random.randbytes(random.randint(1, 30_000)) for _ in range(random.randint(3, 12))]
        self._begin(self._write_slowly(peer, entry, parts, random.uniform(0.02, SETTLE["quiet"] * 0.7)))

    async def append_slowly(self, random: Random, peer: Peer) -> None:
        """An entry that is there already grows, opened and closed for every part."""
        entry = self._any(random, peer)
        if entry is not None and entry.is_file():
            parts = [random.randbytes(random.randint(1, 5_000)) for _ in range(random.randint(2, 6))]
            self._begin(self._append_slowly(peer, entry, parts, random.uniform(0.02, 0.5)))

    # Things that happen to machines

    async def kill(self, random: Random, peer: Peer) -> None:
        """The agent is killed, and started again at once or after a while."""
        if not self._revokes() and peer.kill():
            self._begin(self._revive(peer, random.choice((0.0, 0.0, 1.5))))

    async def restart(self, random: Random, peer: Peer) -> None:
        """The agent is ended in order and started again."""
        if not self._revokes():
            self._begin(self._restart(peer))

    async def move(self, random: Random, peer: Peer) -> None:
        """The agent starts again at another address; never both before they have found each other again."""
        del random
        if not self._revokes() and self._held.isdisjoint({_ON_THE_MOVE, peer.desk}):
            self._begin(self._move(peer))

    async def jump(self, random: Random, peer: Peer) -> None:
        """The clock of a machine jumps, or is put right."""
        peer.set_clock(random.choice((0, random.randint(-_JUMP, _JUMP))))

    async def fill_disk(self, random: Random, peer: Peer) -> None:
        """The disk is full for a while; never one that others use too."""
        if peer.has_small_disk and peer.desk not in self._held:
            self._begin(self._fill_disk(peer, random.uniform(0.2, 3.0)))

    async def revoke(self, random: Random, peer: Peer) -> None:
        """Something large is shared and its recipient revoked while it is under way and the disk refuses."""
        if not self._revokes() and peer.desk not in self._held:
            self._begin(self._revoke(random, peer))

    def _revokes(self) -> bool:
        """Whether a user is being revoked; until then both agents run on."""
        return any(path.name.startswith(PREFIX) for path in self._held)

    async def _revoke(self, random: Random, peer: Peer) -> None:
        entry = self.revocations.new_entry(peer)
        with self._holding(entry), self._holding(peer.desk):
            await self.revocations.revoke(random, peer, entry)

    async def _write_slowly(self, peer: Peer, entry: Path, parts: list[bytes], pause: float) -> None:
        with self._holding(entry), self._on_full_disk(), entry.open("wb", buffering=0) as writer:
            for part in parts:
                writer.write(part)
                self.history.note(peer.home.name, entry)
                await asyncio.sleep(pause)
        self._note(peer, entry)

    async def _append_slowly(self, peer: Peer, entry: Path, parts: list[bytes], pause: float) -> None:
        with self._holding(entry):
            for part in parts:
                with self._on_full_disk(), entry.open("ab", buffering=0) as writer:
                    writer.write(part)
                self.history.note(peer.home.name, entry)
                await asyncio.sleep(pause)
        self._note(peer, entry)

    async def _revive(self, peer: Peer, seconds: float) -> None:
        await asyncio.sleep(seconds)
        peer.start()

    async def _restart(self, peer: Peer) -> None:
        if await peer.stop():
            peer.start()

    async def _move(self, peer: Peer) -> None:
        (friend,) = (other for other in self._peers if other is not peer)
        with self._holding(_ON_THE_MOVE), self._holding(peer.desk):
            if not await peer.stop():
                return
            peer.configure(friend.home, has_links=True)
            peer.start()
            with contextlib.suppress(TimeoutError):  # killed, or without a disk, meanwhile
                await answered(peer.is_linked, bool, seconds=_FOUND_SECONDS)

    async def _fill_disk(self, peer: Peer, seconds: float) -> None:
        with self._holding(peer.desk), peer.full_disk():
            await asyncio.sleep(seconds)

    # What the above have in common

    @contextlib.contextmanager
    def _on_full_disk(self) -> Iterator[None]:
        """Whatever could be written is the entry then."""
        try:
            yield
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            self.refused += 1

    def _holding(self, path: Path) -> _Holding:
        return _Holding(self._held, path)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _new(self, peer: Peer) -> Path:
        self._names += 1
        entry = peer.home.drop / f"entry{self._names:05}.bin"
        self._entries[peer].append(entry.name)
        return entry

    def _any(self, random: Random, peer: Peer) -> Path | None:
        drop = peer.home.drop
        free = [
            name for name in self._entries[peer] if drop / name not in self._held and (drop / name).exists()
        ]
        return drop / random.choice(free) if free else None

    def _move_in(self, peer: Peer, entry: Path, make: Callable[[Path], object]) -> None:
        made = peer.desk / entry.name
        try:
            make(made)
            made.rename(entry)
        finally:
            _remove(made)

    def _alter(self, peer: Peer, entry: Path, change: Callable[[], object]) -> None:
        with self._on_full_disk():
            change()
        self._note(peer, entry)

    def _note(self, peer: Peer, entry: Path) -> None:
        """Record the present state; an entry without bytes cannot be shared, so it is removed."""
        if entry.exists() and not is_empty(entry):
            self.history.note(peer.home.name, entry)
            return
        _remove(entry)
        if entry.name in self._entries[peer]:
            self._entries[peer].remove(entry.name)


class _Holding:
    """Keeps other operations away from something for one block."""

    def __init__(self, held: set[Path], path: Path) -> None:
        self._held, self._path = held, path

    def __enter__(self) -> None:
        self._held.add(self._path)

    def __exit__(self, *_: object) -> None:
        self._held.discard(self._path)


def _files(entry: Path) -> list[Path]:
    return sorted(path for path in entry.rglob("*") if path.is_file()) if entry.is_dir() else [entry]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


_WEIGHTS = {
    Operations.drop_file.__name__: 16,
    Operations.drop_folder.__name__: 10,
    Operations.change.__name__: 15,
    Operations.alter_folder.__name__: 6,
    Operations.rename.__name__: 7,
    Operations.delete.__name__: 6,
    Operations.copy_slowly.__name__: 5,
    Operations.append_slowly.__name__: 5,
    Operations.kill.__name__: 5,
    Operations.restart.__name__: 2,
    Operations.jump.__name__: 3,
    Operations.fill_disk.__name__: 2,
    Operations.revoke.__name__: 2,
    Recipients.edit_received.__name__: 6,
    Recipients.add_to_received.__name__: 4,
    Recipients.chmod_received.__name__: 2,
    Recipients.rename_received.__name__: 2,
    Recipients.delete_received.__name__: 2,
}
"""How often each is drawn, out of 100."""
