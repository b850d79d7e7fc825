"""The tracker protocol: parsing of announce queries and encoding of responses (BEP 3, 7, 23).

Owns both formats. Pure; must not know who is a member. The parameters ``ip``, ``ipv4``, ``ipv6`` and ``key`` are
ignored: only the address of the connection and the passkey count.
"""

from __future__ import annotations

import re
from typing import Final, TypeGuard, get_args
from urllib.parse import unquote_to_bytes

from tuishare.errors import BadInput
from tuishare.torrents import bencode
from tuishare.tracker.peers import AnnounceEvent, AnnounceRequest, AnnounceResponse, PeerAddress

RETRY_SECONDS: Final = 20
"""Retry interval in failure responses: without one, libtorrent was seen to wait for more than five minutes."""
FAILURE: Final = bencode.encode(
    {b"failure reason": b"This announce is not accepted here", b"interval": RETRY_SECONDS}
)
"""The response to every refused announce: a guesser learns nothing from it."""

_LONGEST_QUERY: Final = 2_048
_NUMBER: Final = re.compile(rb"[0-9]{1,19}")
_LARGEST: Final = 2**63 - 1
_READ: Final = frozenset(
    {
        *("info_hash", "peer_id", "port", "left", "uploaded", "downloaded", "corrupt"),
        *("event", "numwant", "compact", "no_peer_id"),
    }
)


def parse_announce(query: str) -> AnnounceRequest:
    """Parse a percent-encoded query.

    Raises:
        BadInput: it is too long, or a parameter is missing, repeated or out of range.
    """
    fields = _fields(query)
    try:
        event = fields.get("event", b"").decode()
    except UnicodeDecodeError:
        raise _malformed("event") from None
    if not _is_event(event):
        raise _malformed("event")
    return AnnounceRequest(
        info_hash=_twenty_bytes(fields, "info_hash"),
        peer_id=_twenty_bytes(fields, "peer_id"),
        port=_number(fields, "port", most=65_535),
        left=_number(fields, "left"),
        uploaded=_number(fields, "uploaded", default=0),
        downloaded=_number(fields, "downloaded", default=0),
        corrupt=_number_if_any(fields.get("corrupt")) or 0,
        event=event,
        wanted=_number_if_any(fields.get("numwant")),
        compact=fields.get("compact") != b"0",
        peer_ids=fields.get("no_peer_id") != b"1",
    )


def encode_answer(answer: AnnounceResponse, announce: AnnounceRequest) -> bytes:
    """Encode a response in the requested form."""
    peers = answer.peers
    fields: dict[bytes, bencode.Value] = {
        b"interval": answer.interval,
        b"min interval": answer.least_interval,
        b"complete": answer.complete,
        b"incomplete": answer.incomplete,
    }
    if announce.compact:
        fields[b"peers"] = b"".join(_pack(peer) for peer in peers if peer.host.version == 4)
        fields[b"peers6"] = b"".join(_pack(peer) for peer in peers if peer.host.version == 6)
    else:
        fields[b"peers"] = [_as_dict(peer, with_id=announce.peer_ids) for peer in peers]
    return bencode.encode(fields)


def _fields(query: str) -> dict[str, bytes]:
    """Split the query into parameters. A plus sign stays a plus sign: hashes are raw bytes, not form data."""
    if len(query) > _LONGEST_QUERY:
        raise _malformed("length")
    fields: dict[str, bytes] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in fields:
            raise _malformed(name)
        if name in _READ:
            fields[name] = unquote_to_bytes(value)
    return fields


def _is_event(text: str) -> TypeGuard[AnnounceEvent]:
    return text in get_args(AnnounceEvent)


def _twenty_bytes(fields: dict[str, bytes], name: str) -> bytes:
    value = fields.get(name, b"")
    if len(value) != 20:
        raise _malformed(name)
    return value


def _number(fields: dict[str, bytes], name: str, *, most: int = _LARGEST, default: int | None = None) -> int:
    text = fields.get(name)
    if text is None and default is not None:
        return default
    if text is None or not _NUMBER.fullmatch(text) or int(text) > most:
        raise _malformed(name)
    return int(text)


def _number_if_any(text: bytes | None) -> int | None:
    """Parse an optional number; some clients send -1 for "no preference"."""
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None


def _pack(peer: PeerAddress) -> bytes:
    return peer.host.packed + peer.port.to_bytes(2)


def _as_dict(peer: PeerAddress, *, with_id: bool) -> dict[bytes, bencode.Value]:
    entry: dict[bytes, bencode.Value] = {b"ip": str(peer.host).encode(), b"port": peer.port}
    if with_id and peer.peer_id is not None:
        entry[b"peer id"] = peer.peer_id
    return entry


def _malformed(what: str) -> BadInput:
    return BadInput(f"The {what} of this announce is missing or malformed")
