"""The limit on open files and sockets, and its division among the parts of the agent.

Owns the limit (RLIMIT_NOFILE), raising it, and the division. Must not keep anything open. A process without free
descriptors is worse than a slow one: libtorrent 2.1.1 then accepts in a busy loop, disconnects a peer in each round
and lowers its own connection limit permanently, and no other part of the program can open a file.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 65_536
"""The highest limit to request: no part uses more, and some systems allow 2^30."""
EXHAUSTED_SECONDS: Final = 5.0
"""Delay before retrying what failed for lack of a descriptor: a burst is over by then."""
_FALLBACK: Final = 256
"""The smallest common limit (macOS), assumed where the limit cannot be read."""


@dataclass(frozen=True, slots=True)
class DescriptorBudget:
    """How many descriptors each part of the program may have open.

    Attributes:
        limit: descriptors of the whole process.
        reserve: for ourselves: database, watched folders, log, API socket, payloads being read or moved.
        handshakes: connections to our swarm ports that have not completed their handshake.
        connections: BitTorrent connections.
        files: payload files that libtorrent keeps open.
        announces: tracker requests at a time. Each takes three: libtorrent's, the relay's, and the one to the tracker.
        tracker_clients: connections to our own tracker.
        clients: connections to the API socket; part of the reserve.
        downloads: downloads at a time; more would only compete for connections.
    """

    limit: int
    reserve: int
    handshakes: int
    connections: int
    files: int
    announces: int
    tracker_clients: int
    clients: int
    downloads: int


def plan_descriptors(limit: int) -> DescriptorBudget:
    """Divide a limit among the parts; pure.

    The reserve comes first: an idle agent was seen to use 40, and up to 32 threads open a file each, so it gets a
    quarter of a small limit, and never more than 256. Parts whose descriptors are short-lived get about a tenth each,
    up to where more is of no use: 50 announces at a time and 40 files are libtorrent's defaults, 512 clients the
    tracker's; 128 handshakes cost 14 MiB. The rest is for peers, at most 1,000: each costs 100 KiB, and connections
    between two seeds are closed. A download needs one connection to start, and three more leave room for other
    recipients.

    Args:
        limit: descriptors of this process; less than 64 counts as 64.
    """
    limit = max(64, limit)
    reserve = min(256, limit // 4)
    announces = min(50, max(2, limit // 32))
    handshakes = min(128, limit // 8)
    tracker_clients = min(512, limit // 8)
    files = min(40, max(4, limit // 16))
    rest = limit - reserve - 3 * announces - handshakes - tracker_clients - files
    connections = min(1000, rest)
    return DescriptorBudget(
        limit=limit,
        reserve=reserve,
        handshakes=handshakes,
        connections=connections,
        files=files,
        announces=announces,
        tracker_clients=tracker_clients,
        clients=min(64, reserve // 4),
        downloads=max(4, connections // 4),
    )


def descriptor_limit() -> int:
    """Return the current soft limit on descriptors of this process."""
    try:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except OSError:  # a sandbox may forbid reading it
        return _FALLBACK
    return ENOUGH if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one, at most to `ENOUGH`, and never lower it; return the new limit.

    The soft limit of login shells and of systemd is 1,024 for the sake of programs that use select(2); no part of
    this one does.
    """
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # a sandbox may forbid it; the division follows the actual limit
        pass
    return descriptor_limit()


def lowest_free(descriptor: int) -> int:
    """Return the lowest unused descriptor number: at least so many are open. Takes 1 µs.

    Args:
        descriptor: any open one; it is duplicated briefly.

    Raises:
        OSError: no descriptor is left (EMFILE).
    """
    probe = os.dup(descriptor)
    os.close(probe)
    return probe
