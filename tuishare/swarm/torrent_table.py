"""What the engine remembers of one torrent while it is there.

Owns the records, finding one by its info-hash, and the rules that depend on a record alone: when it is lonely, and that
nothing received is executable.
"""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from tuishare.errors import BadInput, NotFound
from tuishare.net.endpoints import Endpoint
from tuishare.swarm.events import Progress, State
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.torrent_spec import TorrentSpec
from tuishare.torrents import InfoHash

_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH

_CHECK_PATIENCE = 0.2
_YOUTH = 10.0


@dataclass(slots=True)
class TorrentEntry:
    """One torrent's record; lives from `Engine.add` to `Engine.remove`."""

    assignment: TorrentSpec
    total: int
    pieces: int
    executables: tuple[Path, ...]
    unwanted_pieces: frozenset[int] = frozenset()
    handle: lt.torrent_handle | None = None
    latest: Progress | None = None
    failure: str = ""
    failure_errno: int = 0
    checked: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever stops, starts, removes or renews the torrent."""
    spoilt: int = 0
    """Pieces that did not fit their hashes since more was there than ever before."""
    just_spoilt: bool = False
    """Whether one of them did since the last numbers came."""
    most_done: int = 0
    rivals: frozenset[bytes] = frozenset()
    """The peer ids of others who were downloading when the pieces were last divided."""
    entered: float = field(default_factory=monotonic)
    absent: set[Endpoint] = field(default_factory=set)
    """Received contacts on this machine where no program of ours was found so far."""
    refused: set[Endpoint] = field(default_factory=set)
    """Received contacts of which it was told that they are not called."""

    @property
    def is_lonely(self) -> bool:
        """Whether it wants data and is connected to nobody."""
        latest = self.latest
        return latest is not None and latest.state == "downloading" and latest.peers == 0

    @property
    def is_engaged(self) -> bool:
        """Whether it is connected to somebody, or may be in a moment."""
        return monotonic() - self.entered < _YOUTH or not self.is_lonely

    @property
    def stays_stopped(self) -> bool:
        """Whether it waits for `Engine.resume`."""
        return self.assignment.paused or bool(self.failure)

    @property
    def may_have_rivals(self) -> bool:
        """Whether others may be downloading the same from the same sender right now.

        At the beginning the numbers come too late: the first half second decides what is asked for twice.
        """
        if self.handle is None or self.assignment.complete or self.latest is None:
            return False
        young = monotonic() - self.entered < _YOUTH
        return self.latest.state == "downloading" and (young or self.latest.peers > 1 or bool(self.rivals))

    def complete(self, info_hash: InfoHash) -> None:
        """Count everything as done at once; the other numbers come with the next refresh."""
        before = self.progress(info_hash)
        self.latest = replace(before, state="seeding", done=self.total, total=self.total, fraction=1.0)

    def fail(self, info_hash: InfoHash, reason: str, errno: int = 0) -> None:
        """Remember a failure until the torrent is resumed."""
        self.failure, self.failure_errno = reason, errno
        self.latest = replace(self.progress(info_hash), state="failed")

    async def wait_for_check(self) -> None:
        """Wait a little for a check that needs no reading; a long one goes on behind.

        A torrent resumed after its check connects at once (0.06 s to deliver in 12 of 12 tries), one resumed during it
        a tick later (0.5 s in one of six).
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_CHECK_PATIENCE):
                await self.checked.wait()

    def progress(self, info_hash: InfoHash) -> Progress:
        """Return the latest numbers; before the first refresh, what is known without libtorrent."""
        if self.latest is not None:
            return self.latest
        state: State = "paused" if self.assignment.paused else "checking"
        done = self.total if self.assignment.complete else 0
        return Progress(info_hash, state, done, self.total, float(self.assignment.complete), 0, 0, 0, 0, 0, 0)


class TorrentTable:
    """All torrents of one engine by info-hash."""

    def __init__(self) -> None:
        self._members: dict[InfoHash, TorrentEntry] = {}
        # Looked at several times a second, and few of the many.
        self._fetched: dict[InfoHash, TorrentEntry] = {}

    def enter(self, info_hash: InfoHash, member: TorrentEntry) -> None:
        """Begin a record.

        Raises:
            BadInput: there is one already.
        """
        if info_hash in self._members:
            raise BadInput("This torrent is already being shared or downloaded")
        self._members[info_hash] = member
        if not member.assignment.complete:
            self._fetched[info_hash] = member

    def leave(self, info_hash: InfoHash) -> None:
        """End a record, if there is one."""
        self._members.pop(info_hash, None)
        self._fetched.pop(info_hash, None)

    def clear(self) -> None:
        """End all records."""
        self._members.clear()
        self._fetched.clear()

    def find(self, info_hash: InfoHash) -> TorrentEntry | None:
        """Return a record or None."""
        return self._members.get(info_hash)

    def get(self, info_hash: InfoHash) -> TorrentEntry:
        """Return a record.

        Raises:
            NotFound: there is none.
        """
        member = self._members.get(info_hash)
        if member is None:
            raise NotFound(f"No torrent {info_hash[:12]} is being shared or downloaded")
        return member

    def handle(self, info_hash: InfoHash) -> lt.torrent_handle:
        """Return libtorrent's handle of a torrent.

        Raises:
            NotFound: it is not here, or not yet.
        """
        handle = self.get(info_hash).handle
        if handle is None:
            raise NotFound(f"The torrent {info_hash[:12]} is still being added", hint="Try again.")
        return handle

    def admitted(self) -> tuple[InfoHash, ...]:
        """Return every torrent that libtorrent has taken."""
        return tuple(key for key, member in self._members.items() if member.handle is not None)

    def lonely(self) -> tuple[tuple[InfoHash, TorrentEntry], ...]:
        """Return every torrent whose contacts are worth calling again."""
        return tuple((key, member) for key, member in self._members.items() if member.is_lonely)

    def sated(self) -> tuple[lt.torrent_handle, ...]:
        """Return every torrent of which we have everything and some peer has, too."""
        return tuple(
            member.handle
            for member in self._members.values()
            if member.handle is not None
            and member.latest is not None
            and member.latest.state == "seeding"
            and member.latest.seeds
        )

    def connections(self) -> int:
        """Return how many peers are connected, over all torrents."""
        return sum(member.latest.peers for member in self._members.values() if member.latest is not None)

    def rivalled(self) -> tuple[TorrentEntry, ...]:
        """Return every torrent that others may be downloading at the same time."""
        return tuple(member for member in self._fetched.values() if member.may_have_rivals)

    def progress(self) -> dict[InfoHash, Progress]:
        """Return the latest numbers of every torrent."""
        return {key: member.progress(key) for key, member in self._members.items()}


def clear_executable_bits(member: TorrentEntry) -> None:
    """Take the executable bits that a torrent's attributes asked for from what it delivered (threat T4).

    What we seed from its own place (`TorrentSpec.complete`) is the person's and is left alone. Blocking.
    """
    if member.assignment.complete:
        return
    for path in member.executables:
        # A link was never ours, a missing file has no bits.
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                mode = os.fstat(descriptor).st_mode
                if stat.S_ISREG(mode):
                    os.fchmod(descriptor, stat.S_IMODE(mode) & ~_EXECUTABLE)
            finally:
                os.close(descriptor)
