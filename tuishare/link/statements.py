"""Signed statements: canonical MessagePack with an Ed25519 signature over it, under a domain of its own.

Owns the frame (SPEC.md, section "Signed statements"). Must not know what is stated.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from tuishare.envelope import canonical
from tuishare.errors import BadInput
from tuishare.people.keys import check_signer

Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Second = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Seconds since 1970 UTC; the greatest is the last of the year 9999."""
PositiveInt = Annotated[int, Meta(ge=1, le=2**63 - 1)]
"""A number that grows, such as a sequence or a generation; fits a signed 64-bit integer."""


class Statement(msgspec.Struct, frozen=True):
    """What an agent states and signs; the base of each kind.

    Attributes:
        signer: Ed25519 public key of the identity that signs.
    """

    signer: Bytes32


class SignedStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as it travels, exactly these fields: what stands beside them would not be signed.

    Attributes:
        signature: Ed25519 over the domain, a NUL, and the statement.
        statement: encoded.
    """

    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]
    statement: bytes


S = TypeVar("S", bound=Statement)
M = TypeVar("M")
_FRAMES: Final = msgspec.msgpack.Decoder(SignedStatement)


def sign_statement(key: Ed25519PrivateKey, domain: bytes, statement: Statement) -> bytes:
    """Encode and sign a statement, whose signer is the public half of `key`."""
    data = canonical.encode(statement)
    return canonical.encode(SignedStatement(key.sign(_signed_bytes(domain, data)), data))


def read_statement(data: bytes, domain: bytes, decoder: msgspec.msgpack.Decoder[S], *, limit: int) -> S:
    """Decode a signed statement and verify it with the signer that it names.

    Args:
        data: signed statement.
        domain: of its kind.
        decoder: of its kind.
        limit: most bytes of one of its kind.

    Raises:
        ValueError: too long, malformed, not canonical, or not signed by its signer.
    """
    if len(data) > limit:
        raise ValueError("too long")
    frame = decode_canonical(data, _FRAMES)
    statement = decode_canonical(frame.statement, decoder)
    require_signer(statement.signer)
    try:
        Ed25519PublicKey.from_public_bytes(statement.signer).verify(
            frame.signature, _signed_bytes(domain, frame.statement)
        )
    except InvalidSignature as error:
        raise ValueError("not signed by its signer") from error
    return statement


def decode_canonical(data: bytes, decoder: msgspec.msgpack.Decoder[M]) -> M:
    """Decode MessagePack that has exactly one encoding; the limit of its size was checked before.

    Raises:
        ValueError: a field breaks its rule, or the encoding is not the canonical one.
    """
    try:
        value = decoder.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    canonical.require_canonical(data)
    return value


def require_signer(key: bytes) -> None:
    """Refuse an Ed25519 key for which an attacker can write signatures.

    Raises:
        ValueError: not canonical, or of small order.
    """
    try:
        check_signer(key)
    except BadInput as error:
        raise ValueError(error.detail) from error


def _signed_bytes(domain: bytes, statement: bytes) -> bytes:
    return b"".join((domain, b"\0", statement))
