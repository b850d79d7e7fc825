"""How many files and sockets this process may have open, and what that is divided into.

Owns the limit (RLIMIT_NOFILE), raising it, and the division. Must not open anything that stays open. A process without
a descriptor left is worse than a slow one: libtorrent 2.1.1 then accepts in a busy loop, hangs up on a peer in each
round and lowers its own connections limit for good; nothing else of the program can open a file.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 65_536
"""Descriptors beyond which no larger limit is asked for; nothing here uses more, and some systems allow 2^30."""
EXHAUSTED_SECONDS: Final = 5.0
"""After which what failed for want of a descriptor is tried again: a burst is over by then."""
_FALLBACK: Final = 256
"""The smallest usual limit (macOS); taken where the system does not tell."""


@dataclass(frozen=True, slots=True)
class DescriptorBudget:
    """What each part of the program may have open.

    Attributes:
        limit: descriptors of the whole process.
        reserve: stay free, or are ours: database, watched folders, log, API socket, payloads that are read and moved.
        handshakes: connections to our swarm ports that have not shaken hands yet.
        connections: BitTorrent connections.
        files: payload files that libtorrent keeps open.
        announces: tracker requests at a time. Each takes three: libtorrent's, the relay's, and the one to the tracker.
        visitors: connections to our own tracker.
        clients: connections to the API socket; they are part of the reserve.
        downloads: downloads at a time; more would only wait for each other's connections.
    """

    limit: int
    reserve: int
    handshakes: int
    connections: int
    files: int
    announces: int
    visitors: int
    clients: int
    downloads: int


def plan_descriptors(limit: int) -> DescriptorBudget:
    """Divide a limit among the parts; pure.

    The reserve comes first: 40 were seen in use by an agent at rest, and up to 32 threads open a file each, so a
    quarter of a small limit, and never more than 256. What is bounded by time takes a tenth each or so, and stops
    growing where more is of no use: 50 announces at a time are libtorrent's own default, 512 visitors the tracker's,
    40 files libtorrent's; 128 handshakes cost 14 MiB. The rest is for connections. They stop at 1,000: one costs
    100 KiB, and those between two who have everything do not stay. A download needs one connection to begin with, and
    three more leave room for other recipients.

    Args:
        limit: descriptors of this process, 64 or more; less is taken for 64.
    """
    limit = max(64, limit)
    reserve = min(256, limit // 4)
    announces = min(50, max(2, limit // 32))
    handshakes = min(128, limit // 8)
    visitors = min(512, limit // 8)
    files = min(40, max(4, limit // 16))
    rest = limit - reserve - 3 * announces - handshakes - visitors - files
    connections = min(1000, rest)
    return DescriptorBudget(
        limit=limit,
        reserve=reserve,
        handshakes=handshakes,
        connections=connections,
        files=files,
        announces=announces,
        visitors=visitors,
        clients=min(64, reserve // 4),
        downloads=max(4, connections // 4),
    )


def descriptor_limit() -> int:
    """Return how many descriptors this process may have open now."""
    try:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except OSError:  # a sandbox may forbid the question
        return _FALLBACK
    return ENOUGH if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one, at most to `ENOUGH`; one that is higher stays.

    The soft limit of login shells and of systemd is 1,024 for the sake of programs that use select(2); none of our
    parts does. Return the limit that holds now.
    """
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # a sandbox may forbid it; the division follows what holds
        pass
    return descriptor_limit()


def lowest_free(descriptor: int) -> int:
    """Return the lowest number that no open descriptor has: at least so many are open. Costs 1 µs.

    Args:
        descriptor: any one that is open; it is duplicated for a moment.

    Raises:
        OSError: none is left (EMFILE).
    """
    probe = os.dup(descriptor)
    os.close(probe)
    return probe
