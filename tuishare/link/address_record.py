"""Address records: what an identity signs about where its agent is reached.

Owns the format (SPEC.md, section "Address record") and the rule that an older record never replaces a newer one.
Must not store records, find out addresses, or decide who gets one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.statements import (
    Bytes16,
    Bytes32,
    PositiveInt,
    Second,
    Statement,
    read_statement,
    require_signer,
    sign_statement,
)
from tuishare.net.endpoints import Endpoint, parse_endpoint

RECORD_LIMIT: Final = 2_048
"""Most bytes of a signed record: a card goes into a stranger's message of 4 KiB with it."""
MOST_ADDRESSES: Final = 16
_DOMAIN: Final = b"tuishare/address-record/v1"

AddressText = Annotated[str, Meta(min_length=1, max_length=300)]


class HubAddress(msgspec.Struct, frozen=True):
    """Where a hub keeps envelopes for the signer while their agent is off-line.

    Attributes:
        address: ``host:port``.
        host_key: Ed25519 public key of the hub.
        mailbox: id of the signer's mailbox there.
        write_key: proves the right to put something into it.
    """

    address: AddressText
    host_key: Bytes32
    mailbox: Bytes16
    write_key: Bytes32

    def __repr__(self) -> str:
        """Name what may stand in a log: no write key."""
        return f"HubAddress({self.address!r})"


class AddressRecord(Statement, frozen=True, kw_only=True):
    """Where an agent is reached; the signature of one that was read is verified.

    Attributes:
        link_key: Ed25519 public key that the agent proves on every link.
        sequence: grows with every record of the signer.
        issued: seconds since 1970 UTC by the signer's clock; for display, never compared.
        addresses: ``host:port``, best first.
        hub: `None` without one.
    """

    link_key: Bytes32
    sequence: PositiveInt
    issued: Second
    addresses: Annotated[tuple[AddressText, ...], Meta(max_length=MOST_ADDRESSES)]
    hub: HubAddress | None

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its addresses, parsed."""
        return tuple(parse_endpoint(address) for address in self.addresses)

    def supersedes(self, known: AddressRecord | None) -> bool:
        """Whether it is to replace the record known so far; only one of the same signer with a lower sequence."""
        return known is None or (self.signer == known.signer and self.sequence > known.sequence)


_DECODER: Final = msgspec.msgpack.Decoder(AddressRecord)


def sign_record(
    key: Ed25519PrivateKey,
    *,
    link_key: bytes,
    sequence: int,
    issued: int,
    addresses: Sequence[Endpoint],
    hub: HubAddress | None = None,
) -> bytes:
    """Make a signed record.

    Args:
        key: signing key of the identity.
        link_key: public half, 32 bytes.
        sequence: greater than that of every record before; on disk before the record is given to anyone.
        issued: seconds since 1970 UTC.
        addresses: best first; those that do not fit into the record any more are left out.
        hub: where the signer's mailbox is.

    Raises:
        BadInput: the sequence or the time is out of range.
    """
    chosen = tuple(map(str, addresses[:MOST_ADDRESSES]))
    while True:
        record = AddressRecord(
            signer=key.public_key().public_bytes_raw(),
            link_key=link_key,
            sequence=sequence,
            issued=issued,
            addresses=chosen,
            hub=hub,
        )
        data = sign_statement(key, _DOMAIN, record)
        if len(data) <= RECORD_LIMIT or not chosen:
            break
        chosen = chosen[:-1]
    try:
        read_record(data)
    except VerificationFailed as error:
        raise BadInput("The address record breaks a rule of its format") from error
    return data


def read_record(data: bytes) -> AddressRecord:
    """Decode a record and verify its signature; whether its signer is known is the caller's question.

    Raises:
        VerificationFailed: malformed, not signed by its signer, or an address in it is none.
    """
    try:
        record = read_statement(data, _DOMAIN, _DECODER, limit=RECORD_LIMIT)
        require_signer(record.link_key)
        require_addresses((*record.addresses, *((record.hub.address,) if record.hub else ())))
    except ValueError as error:
        raise VerificationFailed("The address record is not valid") from error
    return record


def require_addresses(addresses: Iterable[str]) -> None:
    """Refuse addresses ``host:port`` that are none, or are written in another form than the usual one.

    Raises:
        ValueError: one of them is.
    """
    for address in addresses:
        try:
            is_usual = str(parse_endpoint(address)) == address
        except BadInput as error:
            raise ValueError(error.detail) from error
        if not is_usual:
            raise ValueError("an address in another form")
