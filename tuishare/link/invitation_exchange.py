"""The two messages by which an invitation is redeemed, made and checked.

Owns what must hold for each (SPEC.md, section "Invitation"): card, record, link key and MAC belong together, so that no
identity is mixed up with another, no message reflected, no answer made by anyone but the inviter. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.address_record import AddressRecord, read_record
from tuishare.link.invitation import (
    Invitation,
    Party,
    is_mac,
    join_mac,
    join_transcript,
    transcript_words,
    welcome_mac,
    welcome_transcript,
)
from tuishare.link.messages import Redeem, Welcome
from tuishare.people.cards import Card, split_card


@dataclass(frozen=True, slots=True)
class Introduced:
    """The other side of an invitation, once everything about them was checked.

    Attributes:
        card: theirs.
        record: their address record.
        signed_record: as it came.
        words: of the transcript, the same on both sides.
    """

    card: Card
    record: AddressRecord
    signed_record: bytes
    words: tuple[str, ...]


def make_redeem(invitation: Invitation, joiner: Party) -> Redeem:
    """Make the joiner's message."""
    mac = join_mac(invitation, join_transcript(invitation, joiner))
    return Redeem(invitation.id, joiner.card, joiner.record, mac)


def check_redeem(invitation: Invitation, redeem: Redeem, link_key: bytes) -> Introduced:
    """Check what a joiner sent; whether the invitation may be used is the caller's question.

    Args:
        invitation: the one with that id.
        redeem: the message.
        link_key: that the joiner's agent has proved.

    Raises:
        VerificationFailed: wrong MAC, or card, record and link key do not belong together.
    """
    joiner = Party(redeem.card, redeem.record)
    transcript = join_transcript(invitation, joiner)
    if redeem.id != invitation.id or not is_mac(redeem.mac, join_mac(invitation, transcript)):
        raise VerificationFailed("The invitation was not redeemed by anyone who holds it")
    card, record = _read_party(joiner, link_key)
    if card.signer == invitation.signer:
        raise VerificationFailed("The invitation was redeemed by its own inviter")
    return Introduced(card, record, joiner.record, transcript_words(transcript))


def make_welcome(invitation: Invitation, redeem: Redeem, inviter: Party) -> Welcome:
    """Make the inviter's answer to a message that `check_redeem` has passed."""
    joined = join_transcript(invitation, Party(redeem.card, redeem.record))
    mac = welcome_mac(invitation, welcome_transcript(joined, inviter))
    return Welcome(inviter.card, inviter.record, mac)


def check_welcome(invitation: Invitation, redeem: Redeem, welcome: Welcome) -> Introduced:
    """Check the inviter's answer; the connection has proved the link key of the invitation.

    Raises:
        VerificationFailed: wrong MAC, or not the identity that the invitation names.
    """
    inviter = Party(welcome.card, welcome.record)
    joined = join_transcript(invitation, Party(redeem.card, redeem.record))
    transcript = welcome_transcript(joined, inviter)
    if not is_mac(welcome.mac, welcome_mac(invitation, transcript)):
        raise VerificationFailed("The answer to the invitation was not made by its inviter")
    card, record = _read_party(inviter, invitation.link_key)
    if card.signer != invitation.signer:
        raise VerificationFailed("The answer to the invitation names another identity than the invitation")
    return Introduced(card, record, inviter.record, transcript_words(joined))


def _read_party(party: Party, link_key: bytes) -> tuple[Card, AddressRecord]:
    try:
        card, rest = split_card(party.card)
    except BadInput as error:
        raise VerificationFailed("The card in the message is not valid") from error
    record = read_record(party.record)
    if rest or record.signer != card.signer or record.link_key != link_key:
        raise VerificationFailed("Card, address record and link key do not belong together")
    return card, record
