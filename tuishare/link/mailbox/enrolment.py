"""Enrolment strings: one line by which an agent becomes a member of a hub.

Owns the format (hub/SPEC.md, section "Enrolment string"). Must not know whether a string was used: the hub does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from tuishare.envelope import canonical
from tuishare.errors import BadInput
from tuishare.link.address_record import AddressText
from tuishare.link.statements import Bytes16, Bytes32, Second, decode_canonical, require_signer
from tuishare.net.endpoints import Endpoint, parse_endpoint

ENROLMENT_PREFIX: Final = "tuishare-hub-v1:"
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]*")
_CHECKSUM_SIZE: Final = 6
_TEXT_LIMIT: Final = 2_048
_COPY_AGAIN: Final = f"Copy the whole string again, from '{ENROLMENT_PREFIX}' to its end."


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
        body = canonical.encode(self)
        return ENROLMENT_PREFIX + base64.urlsafe_b64encode(body + _checksum(body)).decode().rstrip("=")

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
    compact = "".join(text[: _TEXT_LIMIT + 1].split())
    if not compact.startswith(ENROLMENT_PREFIX):
        if compact.startswith("tuishare-hub-"):
            raise BadInput("The string was made by another version of tuishare", hint="Update tuishare.")
        raise BadInput(f"The string of a hub starts with '{ENROLMENT_PREFIX}'", hint=_COPY_AGAIN)
    if len(text) > _TEXT_LIMIT:
        raise BadInput("This text is too long to be the string of a hub", hint=_COPY_AGAIN)
    body = _decode_base64(compact.removeprefix(ENROLMENT_PREFIX))
    try:
        enrolment = decode_canonical(body, _DECODER)
        require_signer(enrolment.host_key)
        if str(enrolment.endpoint) != enrolment.address:
            raise ValueError("an address in another form")
    except (ValueError, BadInput) as error:
        raise BadInput(
            "The string of the hub breaks a rule of its format", hint="Ask for a new one."
        ) from error
    return enrolment


def _decode_base64(text: str) -> bytes:
    whole = text[:-1] if len(text) % 4 == 1 else text  # one character alone makes no byte
    data = base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4)) if _BASE64.fullmatch(text) else b""
    body = data[:-_CHECKSUM_SIZE]
    intact = hmac.compare_digest(_checksum(body), data[len(body) :])
    if not intact or base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise BadInput("The string has a typing mistake: its checksum does not fit", hint=_COPY_AGAIN)
    return body


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(b"tuishare/hub/v1/checksum\0" + body).digest()[:_CHECKSUM_SIZE]
