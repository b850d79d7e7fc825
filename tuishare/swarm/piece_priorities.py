"""Distribution of pieces among concurrent recipients, so that the sender uploads each piece about once.

Owns the piece priorities of recipients that download the same torrent at the same time. libtorrent picks the rarest
piece, but at first all are equally rare, and no recipient knows what others have requested: a sender with four
recipients uploaded the payload 1.7 times.

Each recipient prefers its own subset of the pieces that only the sender has. The subsets follow from the peer ids of
the connected peers (rendezvous hashing), so there is no negotiation, and views that differ briefly only cost a few
duplicate pieces. It is a preference: the subset of a peer that is slow, gone or another client is downloaded by the
others once theirs are done.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import string
from collections.abc import Collection

from tuishare.swarm.connections import find_downloading_peers
from tuishare.swarm.torrent_table import TorrentEntry, TorrentTable

PERIOD = 0.2
"""Seconds between two updates; pieces requested before the first one may be duplicates."""
PEER_ID_LENGTH = 20

# Below priority 4, libtorrent sorts pieces by 3 x availability + 4 - priority, where availability excludes seeds:
# among pieces that only seeds have, ours come first; pieces that a recipient has come after both. From priority 4
# on it halves the availability, which does not distinguish "only the sender" from "one recipient".
_OURS = 3
_THEIRS = 1
_DEFAULT = 4
_UNWANTED = 0
_STRIPES = 256
_SCATTER = 167
"""Odd, so that neighbouring pieces fall into different stripes and all stripes have the same size."""

_LETTERS = string.ascii_letters + string.digits


def create_peer_id(fingerprint: str) -> str:
    """Return a peer id: the program's fingerprint (BEP 20), then random letters and digits.

    libtorrent would choose one per connection and not reveal it, so it is set here, once per session. It links our
    swarms for peers that are in several of them, as our address does anyway.
    """
    return fingerprint + "".join(secrets.choice(_LETTERS) for _ in range(PEER_ID_LENGTH - len(fingerprint)))


def rank_pieces(
    count: int, own: bytes, others: Collection[bytes], unwanted: Collection[int] = ()
) -> list[int]:
    """Return libtorrent's priority for each of `count` pieces.

    Args:
        count: number of pieces.
        own: our peer id.
        others: the peer ids of the other downloading peers; without any, no piece is preferred.
        unwanted: indices of pieces that are not downloaded.
    """
    if not others:
        return [_UNWANTED if index in unwanted else _DEFAULT for index in range(count)]
    everyone = {own, *others}
    ours = [max(everyone, key=lambda member: _draw(member, stripe)) == own for stripe in range(_STRIPES)]

    def rank(index: int) -> int:
        if index in unwanted:
            return _UNWANTED
        return _OURS if ours[(index * _SCATTER + index // _STRIPES) % _STRIPES] else _THEIRS

    return [rank(index) for index in range(count)]


async def distribute_pieces(table: TorrentTable, own: str) -> None:
    """Update piece priorities whenever downloading peers join or leave, until cancelled."""
    while True:
        await asyncio.sleep(PERIOD)
        for member in table.contended():
            await _divide(member, own.encode())


async def _divide(member: TorrentEntry, own: bytes) -> None:
    handle = member.handle
    if handle is None:
        return
    downloading_peers = await asyncio.to_thread(find_downloading_peers, handle)
    # The torrent may have been removed, or added again with another handle.
    if downloading_peers != member.downloading_peers and member.handle is handle:
        member.downloading_peers = downloading_peers
        handle.prioritize_pieces(rank_pieces(member.pieces, own, downloading_peers, member.unwanted_pieces))


def _draw(member: bytes, stripe: int) -> bytes:
    """Return the weight of a peer for a stripe, the same at every peer."""
    return hashlib.sha256(member + bytes([stripe])).digest()
