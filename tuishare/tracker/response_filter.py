"""What a tracker answers, without the peers that must not be called: libtorrent calls whatever an answer names.

Owns which peers of an answer stay (BEP 3, BEP 7, BEP 23). All else of it stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from tuishare.errors import BadInput, VerificationFailed
from tuishare.net.addresses import Address, AddressFacts, address_fault, judge, read_address
from tuishare.torrents import bencode

_Allowed: TypeAlias = Callable[[Address, int], bool]


def filter_peers(said: bytes, machine: AddressFacts, *, judged: bool) -> bytes:
    """Leave out peers that must not be called.

    Args:
        said: the answer.
        machine: ours.
        judged: whether an envelope named the tracker: then peers are judged as the envelope's contacts are, and names
            are left out. Of a tracker that a person chose, only what cannot be a peer is.

    Raises:
        VerificationFailed: it cannot be read, and an envelope named the tracker.
    """
    try:
        answer = bencode.decode(said, strict=False)
    except BadInput:
        answer = b""
    if not isinstance(answer, dict):
        if judged:
            raise VerificationFailed("The tracker's answer cannot be read")
        return said

    def allowed(address: Address, port: int) -> bool:
        return judge(address, port, machine) is None if judged else address_fault(address) is None

    peers = answer.get(b"peers")
    if isinstance(peers, bytes):
        answer[b"peers"] = _sift_compact(peers, 4, allowed)
    elif isinstance(peers, list):
        answer[b"peers"] = [peer for peer in peers if _may_stay(peer, allowed, names=not judged)]
    if isinstance(more := answer.get(b"peers6"), bytes):
        answer[b"peers6"] = _sift_compact(more, 16, allowed)
    return bencode.encode(answer)


def _sift_compact(peers: bytes, length: int, allowed: _Allowed) -> bytes:
    """Sift addresses of `length` bytes, each with a port of two; an incomplete one at the end is dropped."""
    size = length + 2
    kept = []
    for start in range(0, len(peers) - size + 1, size):
        entry = peers[start : start + size]
        host = entry[:length]
        address: Address = IPv4Address(host) if length == 4 else IPv6Address(host)
        if allowed(address, int.from_bytes(entry[length:])):
            kept.append(entry)
    return b"".join(kept)


def _may_stay(peer: bencode.Value, allowed: _Allowed, *, names: bool) -> bool:
    if not isinstance(peer, dict):
        return False
    host, port = peer.get(b"ip"), peer.get(b"port")
    if not isinstance(host, bytes) or not isinstance(port, int):
        return False
    address = read_address(host.decode(errors="replace"))
    return names if address is None else allowed(address, port)
