"""The tracker's limits and intervals.

Owns the numbers and the formulas that combine them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackerLimits:
    """Limits of one tracker; times are in seconds.

    Attributes:
        interval: between two announces in a small swarm with downloading peers.
        idle_interval: likewise if all peers are seeds.
        longest_interval: for any swarm.
        small_swarm: peers up to which a swarm is small; above, intervals grow in proportion.
        peers_per_user: peers of one user in one share; the least recent one is dropped.
        peers_per_answer: peers in a response to a client that did not ask for a number.
        most_per_answer: maximum number of peers in a response.
        member_burst: announces of one user of one share at once.
        member_rate: likewise per second, sustained.
        stranger_burst: refused requests of one address that still get a response.
        stranger_rate: likewise per second, sustained. The client of a removed member retries for years, far slower.
        connection_burst: connections of one address at once.
        connection_rate: likewise per second, sustained.
        connections: open at a time, over all listeners.
        connections_per_address: of one IPv4 address, or one /64 of IPv6.
        connections_per_site: of one /24, or one /48 of IPv6.
        connections_per_provider: of one /16, or one /32 of IPv6.
        connections_reserved: reserved for members, who announced from their address recently.
        connection_lifetime: maximum duration of a connection.
        addresses: how many are remembered per limit; the least recent is dropped first.
    """

    interval: int = 20
    idle_interval: int = 120
    longest_interval: int = 300
    small_swarm: int = 16
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
    connections_per_address: int = 64
    connections_per_site: int = 128
    connections_per_provider: int = 192
    connections_reserved: int = 128
    connection_lifetime: float = 15.0
    addresses: int = 4_096

    def interval_for(self, peers: int, *, downloading: bool) -> int:
        """Return the seconds between announces: short for peers that search, longer in a large or idle swarm."""
        base = self.interval if downloading else self.idle_interval
        return min(base * max(1, peers // self.small_swarm), self.longest_interval)

    def expiry_for(self, interval: int) -> float:
        """Return the seconds of silence after which a peer is dropped: two missed announces plus network delay."""
        return 2 * interval + min(10.0, interval / 2)
