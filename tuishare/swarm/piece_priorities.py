"""Which recipient asks the sender for which pieces, so that the sender's uplink carries each piece about once.

Owns that division among recipients who download the same torrent at the same time. libtorrent picks the rarest piece,
but in the beginning all are equally rare, and nobody knows what the others have already asked for: the uplink of one
sender with four recipients carried the payload 1.7 times.

Each recipient prefers its own part of the pieces: of those that only the sender has, its own come first. The parts
follow from the peer ids of those who are connected (rendezvous hashing), so nothing is negotiated, and views that
differ for a moment cost only a few pieces that are sent twice. It is a preference, no rule: the part of a member that
is slow, gone or of another make is taken over by the others when their own is done.
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
"""Seconds between two looks at who is there; what is asked for before the first look may be asked for twice."""
PEER_ID_LENGTH = 20

# Below priority 4, libtorrent sorts pieces by 3 x availability + 4 - priority, where availability leaves out seeds:
# among pieces that only seeds have, ours come first; a piece that a recipient has comes after both. From priority 4
# on it halves the availability, and would not tell "only the sender" from "one recipient".
_OURS = 3
_THEIRS = 1
_DEFAULT = 4
_UNWANTED = 0
_STRIPES = 256
_SCATTER = 167
"""Odd, so that neighbouring pieces fall into different stripes and each stripe gets its share."""

_LETTERS = string.ascii_letters + string.digits


def create_peer_id(fingerprint: str) -> str:
    """Make a peer id: the program's fingerprint (BEP 20), then random letters and digits.

    libtorrent makes one up for each connection and never says which, so all of it is chosen here: one per session. It
    links our swarms to each other for who is in several of them, which our address does anyway.
    """
    return fingerprint + "".join(secrets.choice(_LETTERS) for _ in range(PEER_ID_LENGTH - len(fingerprint)))


def rank_pieces(
    count: int, own: bytes, rivals: Collection[bytes], unwanted: Collection[int] = ()
) -> list[int]:
    """Return libtorrent's priority for each of `count` pieces.

    Args:
        count: how many pieces there are.
        own: our peer id in this swarm.
        rivals: the peer ids of the others who are still downloading; without any, no piece is preferred.
        unwanted: the numbers of pieces that are not fetched at all.
    """
    if not rivals:
        return [_UNWANTED if index in unwanted else _DEFAULT for index in range(count)]
    everybody = {own, *rivals}
    ours = [max(everybody, key=lambda member: _draw(member, stripe)) == own for stripe in range(_STRIPES)]

    def rank(index: int) -> int:
        if index in unwanted:
            return _UNWANTED
        return _OURS if ours[(index * _SCATTER + index // _STRIPES) % _STRIPES] else _THEIRS

    return [rank(index) for index in range(count)]


async def distribute_pieces(table: TorrentTable, own: str) -> None:
    """Divide the pieces of torrents that several download, whenever somebody comes or goes; runs until cancelled."""
    while True:
        await asyncio.sleep(PERIOD)
        for member in table.rivalled():
            await _divide(member, own.encode())


async def _divide(member: TorrentEntry, own: bytes) -> None:
    handle = member.handle
    if handle is None:
        return
    rivals = await asyncio.to_thread(find_downloading_peers, handle)
    # The torrent may be gone by now, or be back under another handle.
    if rivals != member.rivals and member.handle is handle:
        member.rivals = rivals
        handle.prioritize_pieces(rank_pieces(member.pieces, own, rivals, member.unwanted_pieces))


def _draw(member: bytes, stripe: int) -> bytes:
    """Draw a member's lot for one stripe, the same for everybody who does it."""
    return hashlib.sha256(member + bytes([stripe])).digest()
