"""What holds for peers by their address: no peer where none can be, and rate limits on local networks too.

Owns which peers fall under the session's limits. libtorrent leaves out every peer on a private or loopback address,
and its setting against that has no effect any more; whoever sets a limit means all of the traffic.
"""

from __future__ import annotations

from tuishare.swarm.libtorrent_loader import lt

_EVERYWHERE = (("0.0.0.0", "255.255.255.255"), ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))  # noqa: S104
_LOCAL = (
    ("10.0.0.0", "10.255.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("::1", "::1"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
_IMPOSSIBLE = (
    ("0.0.0.0", "0.255.255.255"),  # noqa: S104 (Linux takes it for this machine)
    ("224.0.0.0", "255.255.255.255"),  # multicast, reserved, broadcast
    ("::", "::"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
"""Without link-local addresses, where two machines on one cable find each other, and without loopback."""
_BLOCKED = 1
_GLOBAL_CLASS = 1 << lt.session.global_peer_class_id
_LOCAL_CLASS = 1 << lt.session.local_peer_class_id


def refuse_impossible_peers(session: lt.session) -> None:
    """Refuse peers at addresses where none can be, whatever names them."""
    blocked = lt.ip_filter()
    for first, last in _IMPOSSIBLE:
        blocked.add_rule(first, last, _BLOCKED)
    session.set_ip_filter(blocked)


def limit_local_peers(session: lt.session) -> None:
    """Put local peers under the global limits; they keep the class that frees them from unchoke slots."""
    classes = lt.ip_filter()
    for first, last in _EVERYWHERE:
        classes.add_rule(first, last, _GLOBAL_CLASS)
    for first, last in _LOCAL:
        classes.add_rule(first, last, _GLOBAL_CLASS | _LOCAL_CLASS)
    session.set_peer_class_filter(classes)
