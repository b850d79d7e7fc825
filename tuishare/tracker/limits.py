"""The bounds inside which the tracker works.

Owns the numbers and what they mean together; whoever is limited by them reads them here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackerLimits:
    """Bounds of one tracker; times are in seconds.

    Attributes:
        interval: between two announces of a small swarm in which somebody downloads.
        idle_interval: likewise when everybody has everything.
        longest_interval: of any swarm.
        crowd: peers up to which a swarm is small; intervals grow in proportion above.
        peers_per_user: of one user in one share; the one that was silent longest makes room.
        peers_per_answer: named to somebody who did not say how many he wants.
        most_per_answer: named at most.
        member_burst: announces of one user of one share at once.
        member_rate: likewise a second, for ever.
        stranger_burst: refused requests of one address that still get an answer.
        stranger_rate: likewise a second, for ever. A removed member's client asks for years; that is far less.
        connection_burst: connections of one address at once.
        connection_rate: likewise a second, for ever.
        connections: open at a time, over all listeners.
        connections_each: of one address, or one /64 of IPv6.
        connections_near: of one /24, or one /48 of IPv6.
        connections_far: of one /16, or one /32 of IPv6.
        connections_kept: how many of all are for members only: those who announced from their address lately.
        patience: for a connection from beginning to end.
        addresses: that are remembered for a limit; the longest unseen is forgotten first.
    """

    interval: int = 20
    idle_interval: int = 120
    longest_interval: int = 300
    crowd: int = 16
    peers_per_user: int = 8
    peers_per_answer: int = 50
    most_per_answer: int = 200
    member_burst: int = 60
    member_rate: float = 2.0
    stranger_burst: int = 30
    stranger_rate: float = 0.5
    connection_burst: int = 300
    connection_rate: float = 20.0
    connections: int = 512
    connections_each: int = 64
    connections_near: int = 128
    connections_far: int = 192
    connections_kept: int = 128
    patience: float = 15.0
    addresses: int = 4_096

    def interval_for(self, peers: int, *, downloading: bool) -> int:
        """Seconds between announces: short while members have to find each other, long in a large or idle swarm."""
        base = self.interval if downloading else self.idle_interval
        return min(base * max(1, peers // self.crowd), self.longest_interval)

    def expiry_for(self, interval: int) -> float:
        """Seconds of silence after which a peer is gone: two announces missed, and a moment for the way."""
        return 2 * interval + min(10.0, interval / 2)
