"""The peers in one share's swarms.

Owns the peers and the choice of peers for each response. Pure: the caller passes the time. Must not know passkeys,
HTTP or bencoding.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from tuishare.net.addresses import Address
from tuishare.tracker.limits import TrackerLimits
from tuishare.tracker.peers import AnnounceRequest, AnnounceResponse, PeerAddress, PeerPresence, SeedAddress

_NOWHERE: Final = 1
"""Ports up to this one mean that a peer accepts no connections; libtorrent behind a proxy announces 1."""


@dataclass(slots=True)
class _EndpointLease:
    """One address of a peer, until its announce expires."""

    named: PeerAddress
    expires: float


@dataclass(slots=True)
class _SwarmPeer:
    """A peer with at most one address per address family and per loopback or not."""

    user: str
    peer_id: bytes
    info_hash: bytes
    left: int = 0
    slots: dict[tuple[int, bool], _EndpointLease] = field(default_factory=dict)


class Registry:
    """The peers of one share. A user can add peers for themselves only, even with another user's peer id."""

    def __init__(self, seeds: tuple[SeedAddress, ...], limits: TrackerLimits) -> None:
        self.seeds = seeds
        self._limits = limits
        self._peers: dict[tuple[str, bytes, bytes], _SwarmPeer] = {}
        self._swept = -math.inf

    def announce(self, user: str, announce: AnnounceRequest, host: Address, now: float) -> AnnounceResponse:
        """Record a peer and return others.

        Args:
            user: the authenticated member.
            announce: of the member's peer.
            host: address of the announce; the only one recorded.
            now: of a monotonic clock, seconds.
        """
        self._drop_silent(now)
        if announce.event == "stopped":
            self._peers.pop((user, announce.peer_id, announce.info_hash), None)
            return self._answer(())
        self._note(user, announce, host, now)
        return self._answer(self._choose(user, announce, host))

    def present(self, now: float) -> tuple[PeerPresence, ...]:
        """Return the peers that are present."""
        self._drop_silent(now)
        return tuple(
            PeerPresence(
                peer.user,
                peer.peer_id,
                tuple(str(slot.named.host) for slot in peer.slots.values()),
                peer.left,
            )
            for peer in self._peers.values()
        )

    def keep(self, users: Collection[str], info_hashes: Collection[bytes]) -> None:
        """Drop the peers of other users and of other swarms."""
        self._peers = {
            key: peer
            for key, peer in self._peers.items()
            if peer.user in users and peer.info_hash in info_hashes
        }

    def _note(self, user: str, announce: AnnounceRequest, host: Address, now: float) -> None:
        key = (user, announce.peer_id, announce.info_hash)
        self._drop_predecessor(key, host, announce.port)
        # Removed and added again: the dictionary is ordered by last announce.
        peer = self._peers.pop(key, None) or _SwarmPeer(*key)
        peer.left = announce.left
        self._peers[key] = peer
        silence = self._limits.expiry_for(self._interval())
        peer.slots[host.version, host.is_loopback] = _EndpointLease(
            PeerAddress(host, announce.port, announce.peer_id), now + silence
        )
        own = [key for key, peer in self._peers.items() if peer.user == user]
        for oldest in own[: -self._limits.peers_per_user]:
            del self._peers[oldest]

    def _drop_predecessor(self, key: tuple[str, bytes, bytes], host: Address, port: int) -> None:
        """Drop the previous peer on the same port: a restarted client has another peer id."""
        gone = [
            other
            for other, peer in self._peers.items()
            if other[0] == key[0] and other[1] != key[1] and other[2] == key[2]
            if port > _NOWHERE
            and any((slot.named.host, slot.named.port) == (host, port) for slot in peer.slots.values())
        ]
        for other in gone:
            del self._peers[other]

    def _drop_silent(self, now: float) -> None:
        """Drop expired addresses and peers, at most once a second."""
        if now < self._swept + 1:
            return
        self._swept = now
        for key, peer in tuple(self._peers.items()):
            peer.slots = {kind: slot for kind, slot in peer.slots.items() if slot.expires > now}
            if not peer.slots:
                del self._peers[key]

    def _choose(self, user: str, announce: AnnounceRequest, host: Address) -> tuple[PeerAddress, ...]:
        """Choose the sender's seed, then random peers; a seed gets no other members' seeds."""
        fitting = [
            peer
            for peer in self._peers.values()
            if peer.info_hash == announce.info_hash
            and (announce.left or peer.left)
            and (peer.user, peer.peer_id) != (user, announce.peer_id)
        ]
        limits = self._limits
        wanted = min(
            limits.peers_per_answer if announce.wanted is None else announce.wanted, limits.most_per_answer
        )
        chosen = random.sample(fitting, min(wanted, len(fitting)))
        # To a peer elsewhere, a loopback address means its own machine.
        nearby = host.is_loopback
        seeds = (
            PeerAddress(seed.host, seed.port) for seed in self.seeds if nearby or not seed.host.is_loopback
        )
        others = (
            slot.named
            for peer in chosen
            for (_, on_loopback), slot in peer.slots.items()
            if slot.named.port > _NOWHERE and (nearby or not on_loopback)
        )
        return (*seeds, *others)

    def _answer(self, peers: tuple[PeerAddress, ...]) -> AnnounceResponse:
        complete = sum(not peer.left for peer in self._peers.values())
        interval = self._interval()
        return AnnounceResponse(
            interval=interval,
            least_interval=interval // 2,
            complete=complete + bool(self.seeds),
            incomplete=len(self._peers) - complete,
            peers=peers,
        )

    def _interval(self) -> int:
        downloading = any(peer.left for peer in self._peers.values())
        return self._limits.interval_for(len(self._peers), downloading=downloading)
