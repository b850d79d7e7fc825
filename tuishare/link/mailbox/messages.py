"""What a hub and those who connect to it say to each other.

Owns the messages (hub/SPEC.md, section "Messages"), their limits and their one encoding; frames are those of
`tuishare.link.messages`. Does no I/O. Must not know which message may come when.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tuishare.envelope import canonical
from tuishare.envelope.parcel import MOST_PARCEL
from tuishare.link.messages import HEAD_SIZE, STRANGER_LIMIT, LinkMessage, Ping
from tuishare.link.statements import Bytes16, Bytes32, Second

SUBSYSTEM: Final = "tuishare-mailbox-1"
MESSAGE_LIMIT: Final = STRANGER_LIMIT
"""Most bytes of every message; the longest today has 1 KiB."""

Size = Annotated[int, Meta(ge=1, le=MOST_PARCEL)]
PortNumber = Annotated[int, Meta(ge=1, le=65_535)]
ReachService: TypeAlias = Literal["link", "tracker", "swarm"]
"""A port of a member that a hub lends a reachable one for."""


class Enrol(LinkMessage, frozen=True):
    """The first message of a caller who holds an enrolment string: become a member, by the key of this connection.

    Attributes:
        token: of the string.
        write_hash: SHA-256 of the key that lets others put parcels into the new mailbox.
    """

    token: Bytes16
    write_hash: Bytes32


class Collect(LinkMessage, frozen=True):
    """The first message of a member; from now on the mailbox takes parcels by the key with this hash alone."""

    write_hash: Bytes32


class Deposit(LinkMessage, frozen=True):
    """The first message of a caller who puts parcels into one mailbox.

    Attributes:
        mailbox: id.
        write_key: of the address record that names the mailbox.
    """

    mailbox: Bytes16
    write_key: Bytes32


class MailboxOpened(LinkMessage, frozen=True, tag="opened"):
    """The answer to `Enrol` and `Collect`; notices of all parcels follow.

    Attributes:
        mailbox: id of the member's mailbox.
    """

    mailbox: Bytes16


class Notice(LinkMessage, frozen=True):
    """A parcel is in the mailbox: one of those that were there already, or a new one.

    Attributes:
        digest: SHA-256 of the parcel.
        size: of it, bytes.
        at: when it was put there, by the hub's clock.
    """

    digest: Bytes32
    size: Size
    at: Second


class Take(LinkMessage, frozen=True):
    """Send the parcel; answered by its content, or by `Gone`."""

    digest: Bytes32


class Delete(LinkMessage, frozen=True):
    """The parcel is not needed any longer; answered by `Gone`."""

    digest: Bytes32


class Gone(LinkMessage, frozen=True):
    """The parcel is not in the mailbox any more."""

    digest: Bytes32


class LendPorts(LinkMessage, frozen=True, tag="lend"):
    """Make me reachable; answered by `PortsLent` or `PortsRefused`."""


class PortsLent(LinkMessage, frozen=True, tag="lent"):
    """At these ports of the hub's address the member is reachable, until this connection ends or `PortsRefused` comes.

    Attributes:
        link: stands for the member's link port.
        tracker: for their tracker.
        swarm: for their swarms.
        accept: where the member fetches a caller who was announced.
    """

    link: PortNumber
    tracker: PortNumber
    swarm: PortNumber
    accept: PortNumber


class PortsRefused(LinkMessage, frozen=True, tag="unlent"):
    """No ports are lent, or no longer.

    Attributes:
        seconds: to wait before the next try.
        reason: one clause for the member's user; not free of control characters.
    """

    seconds: Annotated[int, Meta(ge=1, le=7 * 86_400)]
    reason: Annotated[str, Meta(max_length=200)]


class CallerAnnounced(LinkMessage, frozen=True, tag="caller"):
    """A connection waits at a lent port, for a few seconds.

    Attributes:
        session: what the member sends first on the connection that fetches it; random.
        service: which port.
        host: the caller's address.
    """

    session: Bytes16
    service: ReachService
    host: Annotated[str, Meta(min_length=2, max_length=45)]


class Put(LinkMessage, frozen=True):
    """A parcel is there for the mailbox; answered by `WantParcel`, `Stored` or `Full`.

    Attributes:
        digest: SHA-256 of the parcel.
        size: of it, bytes.
    """

    digest: Bytes32
    size: Size


class WantParcel(LinkMessage, frozen=True, tag="want"):
    """Send the content."""

    digest: Bytes32


class Stored(LinkMessage, frozen=True):
    """The parcel is durably in the mailbox, or was before."""

    digest: Bytes32


class Full(LinkMessage, frozen=True):
    """The parcel is not taken now.

    Attributes:
        digest: as in `Put`.
        seconds: to wait before the next try.
        reason: one clause for the sender's user; not free of control characters.
    """

    digest: Bytes32
    seconds: Annotated[int, Meta(ge=1, le=7 * 86_400)]
    reason: Annotated[str, Meta(max_length=200)]


Opening: TypeAlias = Enrol | Collect | Deposit
FromMember: TypeAlias = Take | Delete | LendPorts | Ping
FromSender: TypeAlias = Put | Ping
ToMember: TypeAlias = MailboxOpened | Notice | Gone | PortsLent | PortsRefused | CallerAnnounced | Ping
ToSender: TypeAlias = WantParcel | Stored | Full | Ping
MailboxMessage: TypeAlias = Opening | FromMember | FromSender | ToMember | ToSender

OPENING: Final = msgspec.msgpack.Decoder(Opening)
FROM_MEMBER: Final = msgspec.msgpack.Decoder(FromMember)
FROM_SENDER: Final = msgspec.msgpack.Decoder(FromSender)
TO_MEMBER: Final = msgspec.msgpack.Decoder(ToMember)
TO_SENDER: Final = msgspec.msgpack.Decoder(ToSender)
_ANY: Final = msgspec.msgpack.Decoder(MailboxMessage)


def encode_message(message: MailboxMessage) -> bytes:
    """Encode a message with its frame, after checking what the reader will check.

    Raises:
        ValueError: a field breaks its rule.
    """
    data = canonical.encode(message)
    _ANY.decode(data)
    return len(data).to_bytes(HEAD_SIZE, "big") + data
