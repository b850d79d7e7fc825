"""The manifest: what the sender says to all recipients, the torrent included.

Owns the fields, their limits and their one encoding (SPEC.md, section "Manifest"). It must not judge what the fields
mean: the torrent is parsed, contacts are dialled and dates are compared elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, NewType

import msgspec
from msgspec import Meta

from tuishare.envelope import canonical

ShareId = NewType("ShareId", bytes)
"""16 random bytes that stay with a share through all its generations."""

MAX_SURROUNDINGS: Final = 256 * 1024
"""Longest manifest in bytes, the torrent in it not counted; bounds what decoding allocates."""

_Second = Annotated[int, Meta(ge=0, le=253_402_300_799)]  # 9999-12-31T23:59:59Z, the last a calendar can show
_Der = Annotated[bytes, Meta(min_length=1)]


class Announce(msgspec.Struct, frozen=True):
    """One tracker.

    Attributes:
        url: announce URL; each reader replaces ``{passkey}`` in it by his own.
        pin: SHA-256 of the tracker certificate's public key (SubjectPublicKeyInfo DER); `None` without a pin.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    pin: Annotated[bytes, Meta(min_length=32, max_length=32)] | None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed. `None` is written as nil; `succession` is left out when it is empty, all others are present.

    Attributes:
        share_id: 16 bytes.
        generation: 1, 2, … as content or recipients change; fits a signed 64-bit integer.
        created: seconds since 1970 UTC by the sender's clock.
        not_after: seconds since 1970 UTC after which the envelope is void, or `None`.
        kind: ``share`` offers content, ``renew`` replaces credentials of a share already known.
        transport: ``tls`` for ticket holders only, ``plain`` for any BitTorrent client.
        torrent: the .torrent file, not yet looked at.
        root_certificate: DER of the share's CA, for a ``tls`` swarm and only there.
        contacts: where the sender seeds, ``host:port``, at most 64.
        announce: trackers, at most 16.
        note: at most 500 code points from the sender to be shown; not free of control characters.
        succession: the former identity's word for the one that signs here, not yet looked at; empty without one.
    """

    share_id: Annotated[ShareId, Meta(min_length=16, max_length=16)]
    generation: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    created: _Second
    not_after: _Second | None
    kind: Literal["share", "renew"]
    transport: Literal["tls", "plain"]
    torrent: bytes
    root_certificate: _Der | None
    contacts: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=300)], ...], Meta(max_length=64)]
    announce: Annotated[tuple[Announce, ...], Meta(max_length=16)]
    note: Annotated[str, Meta(max_length=500)]
    succession: Annotated[bytes, Meta(min_length=1, max_length=65_536)] = b""

    def __repr__(self) -> str:
        """Name what may stand in a log: no content, no address."""
        return f"Manifest(kind={self.kind!r}, transport={self.transport!r}, generation={self.generation})"


class _Word(msgspec.Struct, frozen=True):
    """A manifest without all that is large; what has no field is skipped, not stored."""

    succession: Annotated[bytes, Meta(max_length=65_536)] = b""


_DECODER: Final = msgspec.msgpack.Decoder(Manifest)
_PEEKER: Final = msgspec.msgpack.Decoder(_Word)


def encode_manifest(manifest: Manifest) -> bytes:
    """Encode a manifest, after checking what the reader will check.

    Raises:
        ValueError: a field breaks its rule.
    """
    data = canonical.encode(manifest)
    decode_manifest(data)
    return data


def peek_succession(data: bytes | memoryview) -> bytes:
    """Read one field of a manifest and nothing else: whether its signer is known by that is asked before all others.

    Returns:
        The succession, not yet looked at; empty where there is none or nothing can be read.
    """
    try:
        return _PEEKER.decode(data).succession
    except (ValueError, RecursionError):
        return b""


def decode_manifest(data: bytes | memoryview) -> Manifest:
    """Read a manifest; fields of a later version are ignored, but held to the canonical encoding.

    Raises:
        ValueError: a field is missing or breaks its rule, or the encoding is not the canonical one.
    """
    try:
        manifest = _DECODER.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    # Before the untyped decode: the fields known here are bounded one by one, what is unknown only by this.
    if len(data) - len(manifest.torrent) > MAX_SURROUNDINGS:
        raise ValueError(f"a manifest takes at most {MAX_SURROUNDINGS} bytes beside the torrent")
    canonical.require_canonical(data)
    if (manifest.transport == "tls") != (manifest.root_certificate is not None):
        raise ValueError("a root certificate belongs to a tls swarm and only there")
    return manifest
