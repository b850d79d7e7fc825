"""Enrolment strings: one line by which an agent becomes a member of a hub.

Owns the format (hub/SPEC.md, section "Enrolment string"). Must not know whether a string was used: the hub does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from tuishare.envelope import canonical
from tuishare.errors import BadInput
from tuishare.link.address_record import AddressText, require_addresses
from tuishare.link.pasted_text import PastedText
from tuishare.link.statements import Bytes16, Bytes32, Second, decode_canonical, require_signer
from tuishare.net.endpoints import Endpoint, parse_endpoint

ENROLMENT_PREFIX: Final = "tuishare-hub-v1:"
_MOST_CHARACTERS: Final = 2_048
_TEXT: Final = PastedText(
    ENROLMENT_PREFIX,
    kind="string",
    name="the string of a hub",
    most=_MOST_CHARACTERS,
    most_pasted=_MOST_CHARACTERS,
    checksum=lambda body: hashlib.sha256(b"tuishare/hub/v1/checksum\0" + body).digest(),
)


@dataclass(frozen=True, slots=True)
class HubPlace:
    """Which hub: its address ``host:port``, and its host key of 32 bytes."""

    address: str
    host_key: bytes


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What the string holds. Its holder may become a member, so it is a secret until it is used.

    Attributes:
        address: ``host:port`` of the hub.
        host_key: Ed25519 public key of the hub; the only one that is accepted.
        token: random, new for each string.
        end: seconds since 1970 UTC by the hub's clock; not usable from then on.
    """

    address: AddressText
    host_key: Bytes32
    token: Bytes16
    end: Second

    def __str__(self) -> str:
        return _TEXT.write(canonical.encode(self))

    def __repr__(self) -> str:
        """Name what may stand in a log: no token."""
        return f"Enrolment({self.address!r}, end={self.end})"

    @property
    def place(self) -> HubPlace:
        """Which hub."""
        return HubPlace(self.address, self.host_key)

    @property
    def endpoint(self) -> Endpoint:
        """Its address, parsed."""
        return parse_endpoint(self.address)


_DECODER: Final = msgspec.msgpack.Decoder(Enrolment)


def parse_enrolment(text: str) -> Enrolment:
    """Read a string as it was pasted; white space around and inside it is ignored.

    Raises:
        BadInput: wrong prefix, cut off, mistyped, or a field breaks its rule.
    """
    body = _TEXT.read(text)
    try:
        enrolment = decode_canonical(body, _DECODER)
        require_signer(enrolment.host_key)
        require_addresses([enrolment.address])
    except ValueError as error:
        raise BadInput(
            "The string of the hub breaks a rule of its format", hint="Ask for a new one."
        ) from error
    return enrolment
