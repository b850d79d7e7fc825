"""What two agents say to each other over a link, and the frames it travels in.

Owns the messages and frames (SPEC.md, sections "Frames" and "Messages"), their limits and their one encoding. Does no
I/O. Must not verify what is signed inside a message, nor know which message may come when: `session` and `stranger` do.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tuishare.envelope import canonical
from tuishare.link.address_record import RECORD_LIMIT
from tuishare.link.introduction import INTRODUCTION_LIMIT
from tuishare.link.receipt import RECEIPT_LIMIT
from tuishare.link.statements import Bytes16, Bytes32, PositiveInt, Second, decode_canonical
from tuishare.people.cards import CARD_LIMIT

VERSION: Final = 1
MESSAGE_LIMIT: Final = 64 * 1024
"""Most bytes of a message, and of a piece of content."""
STRANGER_LIMIT: Final = 4 * 1024
"""Most bytes of a stranger's message; with the largest card and record it takes 3,706."""
MOST_CONTENT: Final = 32 * 1024 * 1024
"""Most bytes of an envelope, as in its own format."""
HEAD_SIZE: Final = 4
_CONTENT_FLAG: Final = 1 << 31

SignedRecord = Annotated[bytes, Meta(min_length=1, max_length=RECORD_LIMIT)]
SignedReceipt = Annotated[bytes, Meta(min_length=1, max_length=RECEIPT_LIMIT)]
EncodedCard = Annotated[bytes, Meta(min_length=1, max_length=CARD_LIMIT)]
SignedIntroduction = Annotated[bytes, Meta(min_length=1, max_length=INTRODUCTION_LIMIT)]
Reason = Annotated[str, Meta(max_length=200)]


class LinkMessage(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag=str.lower,
    omit_defaults=True,
):
    """Base of every message; its kind is the name of its class in lower case."""


class Hello(LinkMessage, frozen=True, forbid_unknown_fields=False):
    """The first message of each side: which versions of this protocol it speaks, and where it is reached.

    Fields of a later version are ignored here and nowhere else.
    """

    versions: Annotated[tuple[Annotated[int, Meta(ge=1, le=255)], ...], Meta(min_length=1, max_length=16)]
    record: SignedRecord


class NewRecord(LinkMessage, frozen=True, tag="record"):
    """The sender's address record has changed."""

    record: SignedRecord


class IntroducibleRecord(LinkMessage, frozen=True, tag="introducible"):
    """The sender's address record without their mailbox, which a contact who introduces them may pass on.

    An agent that does not know it ignores it.
    """

    record: SignedRecord


class Offer(LinkMessage, frozen=True):
    """An envelope is there; answered by `Want`, `Have`, `Later` or `Declined`.

    Attributes:
        digest: SHA-256 of the envelope.
        size: of it, bytes.
        share: id of the share.
        generation: of the share.
    """

    digest: Bytes32
    size: Annotated[int, Meta(ge=1, le=MOST_CONTENT)]
    share: Bytes16
    generation: PositiveInt


class Want(LinkMessage, frozen=True):
    """Send the content; contents follow in the order of their wants."""

    digest: Bytes32


class Have(LinkMessage, frozen=True):
    """It is here already.

    Attributes:
        digest: SHA-256 of the envelope, receipt or introduction that was sent.
        receipt: for the envelope; its sender may have missed it when a link broke.
    """

    digest: Bytes32
    receipt: SignedReceipt | None = None


class Later(LinkMessage, frozen=True):
    """Not now.

    Attributes:
        digest: as in the offer, or SHA-256 of the introduction.
        seconds: to wait before the next offer.
        reason: one clause for the sender's user; not free of control characters.
    """

    digest: Bytes32
    seconds: Annotated[int, Meta(ge=1, le=7 * 86_400)]
    reason: Reason


class Declined(LinkMessage, frozen=True, tag="refused"):
    """Never: it need not be offered or sent again. Attributes as in `Later`."""

    digest: Bytes32
    reason: Reason


class Taken(LinkMessage, frozen=True):
    """The content has arrived, and is durable."""

    receipt: SignedReceipt


class ReceiptMessage(LinkMessage, frozen=True, tag="receipt"):
    """What became of an envelope later; answered by `Have` with the digest of the receipt."""

    receipt: SignedReceipt


class ProblemMessage(LinkMessage, frozen=True, tag="problem"):
    """What keeps the sender of this message from the payload of an envelope that it has received; never answered.

    Attributes:
        share: as in the envelope's offer.
        generation: likewise.
        code: one of a few; empty: nothing any longer. One that is not known comes from a later version.
    """

    share: Bytes16
    generation: PositiveInt
    code: Annotated[str, Meta(max_length=32, pattern="^[a-z-]*$")]


class IntroductionMessage(LinkMessage, frozen=True, tag="introduction"):
    """Another user's card with the sender's word; answered by `Have`, `Later` or `Declined` with its digest.

    An agent that knows no introductions ignores it.
    """

    introduction: SignedIntroduction


class Ping(LinkMessage, frozen=True):
    """The sender is there; sent when nothing else was for a while, never answered."""


class Introduce(LinkMessage, frozen=True):
    """The first message of each caller who is known by card: which link key is theirs now."""

    record: SignedRecord


class Redeem(LinkMessage, frozen=True):
    """The first message of a caller who holds an invitation."""

    id: Bytes16
    card: EncodedCard
    record: SignedRecord
    mac: Bytes32


class Welcome(LinkMessage, frozen=True):
    """The answer to `Redeem` of one who is let in."""

    card: EncodedCard
    record: SignedRecord
    mac: Bytes32


NotAdmittedReason: TypeAlias = Literal["approval", "declined", "used", "ended", "replaced", "card"]


class NotAdmitted(LinkMessage, frozen=True, tag="not-admitted"):
    """The answer to `Redeem` of one who holds the invitation, and is not let in.

    Attributes:
        reason: ``approval``: not yet, the inviter has to approve; else never: ``declined`` by them, ``used`` up,
            ``ended``, ``replaced``: the inviter has other keys by now, ``card``: the card has a key of another user.
        at: when that began, by the inviter's clock; 0: unknown.
        fingerprint: digest of the fingerprint of the card that used it; None: of several, or of none.
    """

    reason: NotAdmittedReason
    at: Second = 0
    fingerprint: Bytes32 | None = None


ContactMessage: TypeAlias = (
    Hello
    | NewRecord
    | IntroducibleRecord
    | Offer
    | Want
    | Have
    | Later
    | Declined
    | Taken
    | ReceiptMessage
    | ProblemMessage
    | IntroductionMessage
    | Ping
)
StrangerMessage: TypeAlias = Introduce | Redeem
InvitationAnswer: TypeAlias = Welcome | NotAdmitted
AnyMessage: TypeAlias = ContactMessage | StrangerMessage | InvitationAnswer

OfferAnswer: TypeAlias = Want | Have | Later | Declined
IntroductionAnswer: TypeAlias = Have | Later | Declined


class _Kind(msgspec.Struct, frozen=True):
    """The tag of a message, whatever else stands in it."""

    kind: Annotated[str, Meta(min_length=1, max_length=32, pattern="^[a-z-]+$")]


_DECODER: Final = msgspec.msgpack.Decoder(ContactMessage)
_STRANGER: Final = msgspec.msgpack.Decoder(StrangerMessage)
_ANSWER: Final = msgspec.msgpack.Decoder(InvitationAnswer)
_PEEKER: Final = msgspec.msgpack.Decoder(_Kind)
KINDS: Final = frozenset(
    str(kind.__struct_config__.tag)
    for kind in (
        *(Hello, NewRecord, IntroducibleRecord, Offer, Want, Have, Later, Declined, Taken, ReceiptMessage),
        *(ProblemMessage, IntroductionMessage, Ping),
        *(Introduce, Redeem, Welcome, NotAdmitted),
    )
)


def encode_message(message: AnyMessage) -> bytes:
    """Encode a message with its frame, after checking what the reader will check.

    Raises:
        ValueError: a field breaks its rule.
    """
    data = canonical.encode(message)
    match message:
        case Introduce() | Redeem():
            decode_stranger_message(data)
        case Welcome() | NotAdmitted():
            decode_invitation_answer(data)
        case _:
            decode_message(data)
    return len(data).to_bytes(HEAD_SIZE, "big") + data


def decode_message(data: bytes) -> ContactMessage | None:
    """Decode what a contact sent, without its frame.

    Returns:
        None for a message of a later version, which is to be ignored.

    Raises:
        ValueError: it is ill-formed, or one of the messages that only open a link.
    """
    if len(data) > MESSAGE_LIMIT:
        raise ValueError("too long")
    if decode_canonical(data, _PEEKER).kind not in KINDS:
        return None
    return _DECODER.decode(data)


def decode_stranger_message(data: bytes) -> StrangerMessage:
    """Decode the first message of a caller, without its frame.

    Raises:
        ValueError: it is anything else.
    """
    if len(data) > STRANGER_LIMIT:
        raise ValueError("too long")
    return decode_canonical(data, _STRANGER)


def decode_invitation_answer(data: bytes) -> InvitationAnswer:
    """Decode the answer to `Redeem`, without its frame.

    Raises:
        ValueError: it is anything else.
    """
    if len(data) > STRANGER_LIMIT:
        raise ValueError("too long")
    return decode_canonical(data, _ANSWER)


def encode_content_head(size: int) -> bytes:
    """Encode the frame of a piece of content, 1 to `MESSAGE_LIMIT` bytes, that follows it."""
    return (size | _CONTENT_FLAG).to_bytes(HEAD_SIZE, "big")


def decode_head(head: bytes, limit: int = MESSAGE_LIMIT) -> tuple[bool, int]:
    """Decode a frame of 4 bytes.

    Returns:
        Whether a piece of content follows, and its size, or that of the message.

    Raises:
        ValueError: nothing of that size may follow.
    """
    number = int.from_bytes(head, "big")
    size = number & ~_CONTENT_FLAG
    if not 1 <= size <= limit:
        raise ValueError("a frame of that size is not allowed")
    return bool(number & _CONTENT_FLAG), size
