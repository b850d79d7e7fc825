"""The manifest: the sender's message to all recipients, the torrent included.

Owns the fields, their limits and their encoding (SPEC.md, section "Manifest"). It must not interpret the fields: the
torrent is parsed, contacts are connected to and dates are compared elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, NewType

import msgspec
from msgspec import Meta

from tuishare.envelope import canonical

ShareId = NewType("ShareId", bytes)
"""16 random bytes that identify a share in all its generations."""

MAX_SURROUNDINGS: Final = 256 * 1024
"""Maximum size of a manifest in bytes without its torrent; bounds what decoding allocates."""

_Second = Annotated[
    int, Meta(ge=0, le=253_402_300_799)
]  # 9999-12-31T23:59:59Z, the last second with a four-digit year
_Der = Annotated[bytes, Meta(min_length=1)]


class Announce(msgspec.Struct, frozen=True):
    """One tracker.

    Attributes:
        url: announce URL; each recipient replaces ``{passkey}`` in it by their own.
        pin: SHA-256 of the tracker certificate's public key (SubjectPublicKeyInfo DER); `None` without a pin.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    pin: Annotated[bytes, Meta(min_length=32, max_length=32)] | None


class Omission(msgspec.Struct, frozen=True):
    """What the payload of the sender has and the torrent has not, for one reason.

    Attributes:
        reason: such as ``symbolic link``; to display, so that a later version may have others.
        count: how many there are.
        names: paths of the first ones; may contain control characters.
    """

    reason: Annotated[str, Meta(min_length=1, max_length=40)]
    count: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    names: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=300)], ...], Meta(max_length=16)]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The signed content. `None` is encoded as nil; all fields but an empty one of the last three are present.

    Attributes:
        share_id: 16 bytes.
        generation: 1, 2, … as content or recipients change; fits a signed 64-bit integer.
        created: seconds since 1970 UTC by the sender's clock.
        not_after: seconds since 1970 UTC after which the envelope is void, or `None`.
        kind: ``share`` offers content, ``renew`` replaces credentials of a share already known.
        transport: ``tls`` for ticket holders only, ``plain`` for any BitTorrent client.
        torrent: the .torrent file, not validated.
        root_certificate: DER of the share's CA, present exactly in a ``tls`` swarm.
        contacts: where the sender seeds, ``host:port``, at most 64.
        announce: trackers, at most 16.
        note: at most 500 code points to display; may contain control characters.
        succession: the former identities' signatures for the signer, not verified; empty without any.
        record: where the agent of the signer is reached, signed apart and not verified; empty without any.
        left_out: at most 16 reasons; empty if the torrent has everything.
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
    record: Annotated[bytes, Meta(min_length=1, max_length=2_048)] = b""
    left_out: Annotated[tuple[Omission, ...], Meta(min_length=1, max_length=16)] = ()

    def __repr__(self) -> str:
        """Show what may appear in a log: no content, no address."""
        return f"Manifest(kind={self.kind!r}, transport={self.transport!r}, generation={self.generation})"


class _Succession(msgspec.Struct, frozen=True):
    """The manifest reduced to one field; all others are skipped, not stored."""

    succession: Annotated[bytes, Meta(max_length=65_536)] = b""


_DECODER: Final = msgspec.msgpack.Decoder(Manifest)
_PEEKER: Final = msgspec.msgpack.Decoder(_Succession)


def encode_manifest(manifest: Manifest) -> bytes:
    """Encode a manifest and validate it as the recipient will.

    Raises:
        ValueError: a field is invalid.
    """
    data = canonical.encode(manifest)
    decode_manifest(data)
    return data


def peek_succession(data: bytes | memoryview) -> bytes:
    """Read only the succession of a manifest: the signer is judged by it before anything else is decoded.

    Returns:
        The succession, not verified; empty if there is none or the manifest is unreadable.
    """
    try:
        return _PEEKER.decode(data).succession
    except (ValueError, RecursionError):
        return b""


def decode_manifest(data: bytes | memoryview) -> Manifest:
    """Decode a manifest; unknown fields are ignored, but must be canonical too.

    Raises:
        ValueError: a field is missing or invalid, or the encoding is not canonical.
    """
    try:
        manifest = _DECODER.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    # Before the untyped decode: known fields have limits of their own, unknown ones only this one.
    if len(data) - len(manifest.torrent) > MAX_SURROUNDINGS:
        raise ValueError(f"a manifest takes at most {MAX_SURROUNDINGS} bytes beside the torrent")
    canonical.require_canonical(data)
    if (manifest.transport == "tls") != (manifest.root_certificate is not None):
        raise ValueError("a root certificate belongs to a tls swarm and only there")
    return manifest
