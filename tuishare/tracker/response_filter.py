"""Filtering of the peers in tracker responses: libtorrent connects to every peer in a response.

Owns which peers of a response are kept (BEP 3, BEP 7, BEP 23). Must not change anything else in it.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from tuishare.errors import BadInput, VerificationFailed
from tuishare.net.addresses import Address, AddressFacts, address_fault, judge, read_address
from tuishare.torrents import bencode

_Allowed: TypeAlias = Callable[[Address, int], bool]


def filter_peers(body: bytes, machine: AddressFacts, *, judged: bool) -> bytes:
    """Remove the peers that must not be contacted.

    Args:
        body: of the response.
        machine: facts about this machine.
        judged: whether an envelope named the tracker: then the rules for the envelope's contacts apply to peers, and
            host names are removed. If the user chose the tracker, only impossible addresses are.

    Raises:
        VerificationFailed: the response is malformed, and an envelope named the tracker.
    """
    try:
        answer = bencode.decode(body, strict=False)
    except BadInput:
        answer = b""
    if not isinstance(answer, dict):
        if judged:
            raise VerificationFailed("The tracker's response is malformed")
        return body

    def allowed(address: Address, port: int) -> bool:
        return judge(address, port, machine) is None if judged else address_fault(address) is None

    peers = answer.get(b"peers")
    if isinstance(peers, bytes):
        answer[b"peers"] = _filter_compact(peers, 4, allowed)
    elif isinstance(peers, list):
        answer[b"peers"] = [peer for peer in peers if _is_allowed(peer, allowed, names=not judged)]
    if isinstance(more := answer.get(b"peers6"), bytes):
        answer[b"peers6"] = _filter_compact(more, 16, allowed)
    return bencode.encode(answer)


def _filter_compact(peers: bytes, length: int, allowed: _Allowed) -> bytes:
    """Filter addresses of `length` bytes with a port of two; an incomplete entry at the end is dropped."""
    size = length + 2
    kept = []
    for start in range(0, len(peers) - size + 1, size):
        entry = peers[start : start + size]
        host = entry[:length]
        address: Address = IPv4Address(host) if length == 4 else IPv6Address(host)
        if allowed(address, int.from_bytes(entry[length:])):
            kept.append(entry)
    return b"".join(kept)


def _is_allowed(peer: bencode.Value, allowed: _Allowed, *, names: bool) -> bool:
    if not isinstance(peer, dict):
        return False
    host, port = peer.get(b"ip"), peer.get(b"port")
    if not isinstance(host, bytes) or not isinstance(port, int):
        return False
    address = read_address(host.decode(errors="replace"))
    return names if address is None else allowed(address, port)
