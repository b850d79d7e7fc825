"""Revoking while the disk is full: no byte may reach a user after ``revoke`` has returned.

Owns shares of its own, large enough to be under way for some seconds, and the notes of how far each recipient was.
What is received is counted where it is written, which may be a moment later: `_GRACE` and `_UNWRITTEN` are what that
may hide. A user who is not cut gets far more while the disk still refuses.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.agent.disks import full, refusing
from tests.soak.peer import BYSTANDER, Peer
from tests.waiting import answered, wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import NewShare, Share, ShareState, UserNamed
from tuishare.errors import TuishareError

PREFIX = "revoked"
"""How the names of these shares begin; no other operation touches them."""
_SIZE = 12_000_000
_GRACE = 1.5
_UNWRITTEN = 1 << 20
"""Bytes that an agent may have received and not written yet."""
_WATCHED = 2.0
"""Seconds for which the disk goes on refusing after the order."""
_UNDER_WAY = 20.0
_ORDERED = 5.0


@dataclass(frozen=True, slots=True)
class Revoked:
    """One order that was carried out, and what the recipient had then.

    Attributes:
        name: of the share.
        pipeline: who was revoked.
        had: bytes of it that they had when the order had returned, `_GRACE` later.
    """

    name: str
    pipeline: Peer
    had: int


class Revocations:
    """Shares something, revokes it under way, and looks what still arrives.

    Attributes:
        refused: orders that failed, which is right where nothing can be written; nothing is promised then.
        missed: shares that were not under way in time, or were complete already.
    """

    def __init__(self, peers: tuple[Peer, Peer]) -> None:
        self._peers = peers
        self._names = 0
        self._revoked: list[Revoked] = []
        self.refused = 0
        self.missed = 0

    def new_entry(self, peer: Peer) -> Path:
        """Return where the next such share of a sender will lie."""
        self._names += 1
        return peer.desk / f"{PREFIX}{self._names:05}.bin"

    @property
    def count(self) -> int:
        """Orders that were carried out and not judged yet."""
        return len(self._revoked)

    async def revoke(self, random: Random, peer: Peer, entry: Path) -> None:
        """Share an entry, and revoke its recipient while it is under way and the disk refuses.

        Half of the time it is shared once more just before, so that the share is busy: its envelope cannot be written.
        """
        (pipeline,) = (other for other in self._peers if other is not peer)
        disk_full = random.random() < 0.5 and peer.has_small_disk
        busy = random.random() < 0.5
        try:
            await asyncio.to_thread(entry.write_bytes, random.randbytes(_SIZE))
            await answered(lambda: _share(peer, entry, pipeline.home.name), bool, seconds=_UNDER_WAY)
            await wait_until(lambda: _received(pipeline, entry.name) > 0, seconds=_UNDER_WAY)
            with full(peer.desk) if disk_full else refusing(peer.home.outbox):
                if busy and await _share(peer, entry, pipeline.home.name, BYSTANDER):
                    await answered(lambda: _is_busy(peer, entry.name), bool, seconds=_ORDERED)
                if await self._order(peer, pipeline, entry.name):
                    await asyncio.sleep(_GRACE)
                    self._revoked.append(Revoked(entry.name, pipeline, _received(pipeline, entry.name)))
                    await asyncio.sleep(_WATCHED)
        except (OSError, TuishareError, TimeoutError):
            self.missed += 1

    def find_faults(self) -> list[str]:
        """Judge all orders since the last time, and take their entries away."""
        faults = []
        for one in self._revoked:
            had = _received(one.pipeline, one.name)
            if had > one.had + _UNWRITTEN:
                faults.append(
                    f"{one.pipeline.home.name} got {had - one.had:,} bytes of {one.name} after it was revoked"
                )
        self._revoked.clear()
        for peer in self._peers:
            for entry in peer.desk.glob(f"{PREFIX}*"):
                entry.unlink()
        return faults

    async def _order(self, peer: Peer, pipeline: Peer, name: str) -> bool:
        """Give the order; return whether it was carried out while something was still under way."""
        async with AgentClient(peer.home.places.socket) as client:
            shares = await client.shares()
            (share,) = (one for one in shares if one.name == name and _is_offered(one))
            try:
                async with asyncio.timeout(_UNDER_WAY):
                    await client.revoke_from_share(share.id, UserNamed(name=pipeline.home.name))
            except (TuishareError, TimeoutError):
                self.refused += 1
                return False
        if _received(pipeline, name) < _SIZE:
            return True
        self.missed += 1
        return False


async def _share(peer: Peer, entry: Path, *recipients: str) -> bool:
    """Order it; return whether that was taken."""
    try:
        async with asyncio.timeout(_ORDERED), AgentClient(peer.home.places.socket) as client:
            await client.share(NewShare(path=str(entry), recipients=recipients))
    except (TuishareError, TimeoutError):
        return False
    return True


async def _is_busy(peer: Peer, name: str) -> bool:
    """Whether a share is at work: here it waits for the disk that is to take its envelope."""
    async with AgentClient(peer.home.places.socket) as client:
        return any(one.name == name and one.state is ShareState.SEALING for one in await client.shares())


def _is_offered(share: Share) -> bool:
    return share.state is not ShareState.WITHDRAWN


def _received(pipeline: Peer, name: str) -> int:
    """Return how many bytes of the payload of that name are on the pipeline's disk, whatever their agent says."""
    places = (Path(place, name) for place, _, names in os.walk(pipeline.home.downloads) if name in names)
    return max((place.lstat().st_blocks * 512 for place in places), default=0)
