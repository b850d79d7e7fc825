"""What the engine remembers of one torrent while it is there.

Owns the record and the two rules that depend on it alone: when its contacts are dialled again, and that nothing
received is executable.
"""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tuishare.swarm.assignment import Assignment
from tuishare.swarm.endpoint import Endpoint
from tuishare.swarm.events import Progress, State
from tuishare.swarm.openssl import lt
from tuishare.swarm.resolution import split_contacts
from tuishare.torrents import InfoHash

_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


@dataclass(slots=True)
class Membership:
    """One torrent's record; lives from `Engine.add` to `Engine.remove`."""

    assignment: Assignment
    total: int
    executables: tuple[Path, ...]
    handle: lt.torrent_handle | None = None
    latest: Progress | None = None
    checked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def names(self) -> tuple[Endpoint, ...]:
        """The contacts that must be looked up; the addresses were given to libtorrent with the torrent."""
        return split_contacts(self.assignment.contacts)[1]

    @property
    def is_lonely(self) -> bool:
        """Whether it wants data and is connected to nobody."""
        latest = self.latest
        return latest is not None and latest.state == "downloading" and latest.peers == 0

    def progress(self, info_hash: InfoHash) -> Progress:
        """Return the latest numbers; before the first refresh, what is known without libtorrent."""
        state: State = "paused" if self.assignment.paused else "checking"
        return self.latest or Progress(info_hash, state, 0, self.total, 0.0, 0, 0, 0, 0, 0, 0)


def clear_executable_bits(member: Membership) -> None:
    """Take the executable bits that a torrent's attributes asked for from what it delivered (threat T4).

    What we seed from its own place (`Assignment.complete`) is the person's and is left alone. Blocking.
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
