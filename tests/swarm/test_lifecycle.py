"""Under another authority: who holds an old ticket is cut off and gets nothing, the others go on where they were."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.swarm.conftest import StartEngine
from tests.swarm.outsiders import BLOCK, member_context, take_block
from tests.swarm.shares import Share, at
from tests.waiting import wait_until
from tuishare.swarm import Engine, create_authority

CUT = 5.0
"""Seconds within which a revoked member's connection must end."""


@dataclass(frozen=True, slots=True)
class Swarm:
    """A share, the same share under a new authority, and its seed."""

    old: Share
    new: Share
    seed: Engine

    async def renew(self) -> None:
        """Leave the swarm and enter it again under the new authority."""
        await self.seed.remove(self.old.info_hash)
        await self.seed.add(self.new.seeding())


async def _swarm(start_engine: StartEngine, share: Share, **settings: object) -> Swarm:
    seed = await start_engine(**settings)
    await seed.add(share.seeding())
    return Swarm(share, replace(share, authority=create_authority(datetime.now(UTC))), seed)


async def test_an_old_ticket_gets_nothing_after_a_renewal_and_a_new_one_does(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    swarm = await _swarm(start_engine, share)
    context = member_context(share.member(), tmp_path)
    before = await asyncio.to_thread(take_block, at(swarm.seed).port, share.info_hash, context)
    assert len(before.payload) == BLOCK
    await swarm.renew()
    # With the TLS session of the first connection, which an unguarded server would resume.
    after = await asyncio.to_thread(take_block, at(swarm.seed).port, share.info_hash, context, before.session)
    assert (after.payload, after.greeted, after.resumed) == (b"", False, False)
    invited = member_context(swarm.new.member(), tmp_path)
    loot = await asyncio.to_thread(take_block, at(swarm.seed).port, share.info_hash, invited)
    assert loot.payload == share.data[:BLOCK]


async def test_a_live_connection_is_cut_when_its_torrent_is_removed(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    """Of a member that sits there and would ask later; it need not do anything to lose its place."""
    swarm = await _swarm(start_engine, share)
    context = member_context(share.member(), tmp_path)
    with await asyncio.to_thread(_sit_down, at(swarm.seed).port, share.info_hash, context) as sitting:
        await wait_until(lambda: swarm.seed.progress(share.info_hash).peers == 1)
        async with asyncio.timeout(CUT):
            await swarm.seed.remove(share.info_hash)
            await asyncio.to_thread(_read_to_the_end, sitting)


def _sit_down(port: int, info_hash: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    short = bytes.fromhex(info_hash)[:20]
    raw = socket.create_connection(("127.0.0.1", port), CUT)
    stream = context.wrap_socket(raw, server_hostname=short.hex())
    stream.sendall(b"\x13BitTorrent protocol" + bytes(8) + short + b"-XX0000-" + bytes(12))
    return stream


def _read_to_the_end(stream: ssl.SSLSocket) -> None:
    try:
        while stream.recv(4096):
            pass
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
