"""Rules for peers by address: impossible addresses are refused, and rate limits also apply to local networks.

Owns the IP filters of the session. By default libtorrent exempts peers on private or loopback addresses from rate
limits, and its setting for that no longer has an effect; users expect a limit to cover all traffic.
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
    ("0.0.0.0", "0.255.255.255"),  # noqa: S104 (on Linux this machine)
    ("224.0.0.0", "255.255.255.255"),  # multicast, reserved, broadcast
    ("::", "::"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
"""Link-local addresses are allowed, for two machines on one cable, and so is loopback."""
_BLOCKED = 1
_GLOBAL_CLASS = 1 << lt.session.global_peer_class_id
_LOCAL_CLASS = 1 << lt.session.local_peer_class_id


def refuse_impossible_peers(session: lt.session) -> None:
    """Refuse peers at impossible addresses, from any source."""
    blocked = lt.ip_filter()
    for first, last in _IMPOSSIBLE:
        blocked.add_rule(first, last, _BLOCKED)
    session.set_ip_filter(blocked)


def limit_local_peers(session: lt.session) -> None:
    """Apply the global limits to local peers; they keep the class that exempts them from unchoke slots."""
    classes = lt.ip_filter()
    for first, last in _EVERYWHERE:
        classes.add_rule(first, last, _GLOBAL_CLASS)
    for first, last in _LOCAL:
        classes.add_rule(first, last, _GLOBAL_CLASS | _LOCAL_CLASS)
    session.set_peer_class_filter(classes)
