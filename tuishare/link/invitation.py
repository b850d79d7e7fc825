"""Invitations: one string that makes two users known and verified to each other.

Owns the string and the cryptography of the two messages that follow it (SPEC.md, section "Invitation"): id, key, MACs,
transcript and its words. Pure. Must not know whether an invitation was used, has ended or was cancelled: the agent that
made it decides that, in one transaction, before it answers.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta

from tuishare.envelope import canonical
from tuishare.errors import BadInput
from tuishare.link.address_record import MOST_ADDRESSES, AddressText, HubAddress, require_addresses
from tuishare.link.pasted_text import PastedText
from tuishare.link.statements import Bytes16, Bytes32, Second, decode_canonical, require_signer
from tuishare.net.endpoints import Endpoint, parse_endpoint
from tuishare.people.fingerprints import spell_words

INVITATION_PREFIX: Final = "tuishare-invite-v1:"
MOST_CHARACTERS: Final = 399
MAC_SIZE: Final = 32
WORD_COUNT: Final = 4
_LABEL: Final = b"tuishare/invitation/v1"


class Invitation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the string holds. It lets its holder become known to the inviter, so it is a secret until it is used.

    Attributes:
        signer: of the inviter's card.
        link_key: of the inviter's agent; the host key that the joiner accepts.
        addresses: of the inviter's agent, ``host:port``, best first.
        hub: of the inviter; `None` without one.
        token: random, new for each invitation.
        end: seconds since 1970 UTC by the inviter's clock; not usable from then on.
        uses: how many users may be added by it; more than one makes unverified users, on both sides.
        ask: whether the inviter approves each of them first; the joiner then has to call again.
    """

    signer: Bytes32
    link_key: Bytes32
    addresses: Annotated[tuple[AddressText, ...], Meta(max_length=MOST_ADDRESSES)]
    hub: HubAddress | None
    token: Bytes16
    end: Second
    uses: Annotated[int, Meta(ge=1, le=1000)] = 1
    ask: bool = False

    def __str__(self) -> str:
        return _TEXT.write(canonical.encode(self))

    def __repr__(self) -> str:
        """Name what may stand in a log: no token."""
        return f"Invitation(id={self.id.hex()!r}, end={self.end})"

    @property
    def id(self) -> bytes:
        """16 bytes by which the inviter finds it; a hash of the token, so that ids give nothing away."""
        return _hash(b"id", self.token)[:16]

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its addresses, parsed."""
        return tuple(parse_endpoint(address) for address in self.addresses)


@dataclass(frozen=True, slots=True)
class Party:
    """What one side shows of itself.

    Attributes:
        card: as bytes, `tuishare.people.cards.encode_card`.
        record: signed address record.
    """

    card: bytes = field(repr=False)
    record: bytes = field(repr=False)


_DECODER: Final = msgspec.msgpack.Decoder(Invitation)


def make_invitation(
    *,
    signer: bytes,
    link_key: bytes,
    addresses: Sequence[Endpoint],
    token: bytes,
    end: int,
    uses: int = 1,
    ask: bool = False,
) -> Invitation:
    """Make an invitation whose string is shorter than 400 characters.

    Args:
        signer: of the inviter's card.
        link_key: public half.
        addresses: best first; those that do not fit any more are left out.
        token: 16 random bytes.
        end: seconds since 1970 UTC.
        uses: 1..1000.
        ask: whether the inviter approves first.

    Raises:
        BadInput: a field breaks its rule.
    """
    chosen = tuple(map(str, addresses[:MOST_ADDRESSES]))
    while True:
        invitation = Invitation(
            signer=signer,
            link_key=link_key,
            addresses=chosen,
            hub=None,
            token=token,
            end=end,
            uses=uses,
            ask=ask,
        )
        if len(text := str(invitation)) <= MOST_CHARACTERS or not chosen:
            return parse_invitation(text)
        chosen = chosen[:-1]


def parse_invitation(text: str) -> Invitation:
    """Read an invitation as it was pasted; white space around and inside it is ignored.

    Raises:
        BadInput: wrong prefix, cut off, mistyped, or a field breaks its rule.
    """
    body = _TEXT.read(text)
    try:
        invitation = decode_canonical(body, _DECODER)
        require_signer(invitation.signer)
        require_signer(invitation.link_key)
        require_addresses(invitation.addresses)
    except ValueError as error:
        raise BadInput("The invitation breaks a rule of its format", hint="Ask for a new one.") from error
    return invitation


def join_transcript(invitation: Invitation, joiner: Party) -> bytes:
    """Return the hash of all that is fixed when the joiner speaks: version, id, terms, whom they mean, and themselves.

    With the terms in it, a string that was changed on its way does not make an invitation for many count as one for one
    person on the joiner's side, or hide that the inviter approves first.
    """
    terms = invitation.uses.to_bytes(4, "big") + bytes([invitation.ask])
    inviter = (invitation.signer, invitation.link_key)
    return _hash(b"join", invitation.id, terms, *inviter, joiner.card, joiner.record)


def welcome_transcript(joined: bytes, inviter: Party) -> bytes:
    """Return the hash of the whole exchange.

    Args:
        joined: `join_transcript`.
        inviter: what the answer shows.
    """
    return _hash(b"welcome", joined, inviter.card, inviter.record)


def join_mac(invitation: Invitation, transcript: bytes) -> bytes:
    """Compute the joiner's proof that they hold the invitation; `transcript` is the `join_transcript`."""
    return _mac(invitation, b"join", transcript)


def welcome_mac(invitation: Invitation, transcript: bytes) -> bytes:
    """Compute the inviter's proof likewise; `transcript` is the `welcome_transcript`."""
    return _mac(invitation, b"welcome", transcript)


def is_mac(given: bytes, expected: bytes) -> bool:
    """Compare two MACs in a time that shows nothing about either."""
    return hmac.compare_digest(given, expected)


def transcript_words(transcript: bytes) -> tuple[str, ...]:
    """Return the four words that both screens show, also while the joiner waits; of the `join_transcript`."""
    return spell_words(transcript, WORD_COUNT)


def _mac(invitation: Invitation, role: bytes, transcript: bytes) -> bytes:
    key = HKDF(SHA256(), length=32, salt=invitation.id, info=_LABEL + b"/key").derive(invitation.token)
    return hmac.digest(key, role + b"\0" + transcript, "sha256")


def _hash(label: bytes, *parts: bytes) -> bytes:
    """Hash parts so that no two lists of them give the same input."""
    sized = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(_LABEL + b"/" + label + b"\0" + sized).digest()


_TEXT: Final = PastedText(
    INVITATION_PREFIX,
    kind="invitation",
    name="an invitation",
    most=MOST_CHARACTERS,
    most_pasted=4_096,
    checksum=partial(_hash, b"checksum"),
)
