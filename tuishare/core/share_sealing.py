"""Sealing: from a torrent to an envelope with a ticket for each recipient, and the authority of a share.

Owns the content of our envelopes; used by the agent and by ``tuishare create``. Sealing a record again gives an
envelope with the same passkeys, so a crash between sealing and publishing does no harm. Must not write files or
records: it returns both.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tuishare.core.left_out import LeftOutReason
from tuishare.core.records import RecipientRecord, ShareRecord, TrackerAddress
from tuishare.envelope import (
    Announce,
    CardRecipient,
    KeyRecipient,
    Manifest,
    Omission,
    Recipient,
    Sender,
    ShareId,
    Ticket,
    seal,
)
from tuishare.people import Identity, User
from tuishare.swarm import LEAF_LIFETIME, Credentials, ShareAuthority, create_authority


@dataclass(frozen=True, slots=True)
class SealedShare:
    """An envelope with the records of its recipients."""

    envelope: bytes
    recipients: tuple[RecipientRecord, ...]


def new_share_id() -> str:
    """Return a new share id: 16 random bytes as hexadecimal digits."""
    return secrets.token_hex(16)


def new_secret() -> bytes:
    """Return a new secret that a share's passkeys are derived from, 32 random bytes."""
    return secrets.token_bytes(32)


def create_share_authority(share: ShareRecord, now: datetime) -> ShareRecord:
    """Return a share with a new authority and our own certificate; a plain share has neither."""
    if share.transport == "plain":
        return replace(share, root_certificate=b"", root_key=b"", leaf_certificate=b"", leaf_key=b"")
    authority = create_authority(now)
    own = authority.issue(now, lifetime=_lifetime(share, now))
    return replace(
        share,
        root_certificate=authority.certificate,
        root_key=authority.key,
        leaf_certificate=own.certificate,
        leaf_key=own.key,
    )


def own_credentials(share: ShareRecord) -> Credentials | None:
    """Return our credentials for the swarm of a share; None for a plain swarm."""
    if share.transport == "plain":
        return None
    return Credentials(share.root_certificate, share.leaf_certificate, share.leaf_key)


def own_trackers(share: ShareRecord, urls: Iterable[str]) -> tuple[TrackerAddress, ...]:
    """Return the trackers that we announce a share to, apart from our own.

    Args:
        share: the share.
        urls: announce URLs as in its manifest.
    """
    return tuple(TrackerAddress.of(url, _passkey(share, "")) for url in urls)


def seal_share(
    share: ShareRecord,
    users: Sequence[User],
    identity: Identity,
    *,
    contacts: Sequence[str],
    announce: Sequence[Announce] = (),
    record: bytes = b"",
    now: datetime,
) -> SealedShare:
    """Seal the torrent of a share for its recipients.

    Args:
        share: with torrent and authority.
        users: the recipients.
        identity: ours; it signs, and gets a slot as well.
        contacts: ``host:port`` of each address at which we seed.
        announce: trackers; ``{passkey}`` in a URL stands for each recipient's own.
        record: our signed address record, for links; empty without one.
        now: the time, with a zone.

    Raises:
        BadInput: too many recipients, or the torrent is too large for an envelope.
    """
    manifest = Manifest(
        share_id=ShareId(bytes.fromhex(share.id)),
        generation=share.generation,
        created=int(now.timestamp()),
        not_after=share.not_after or None,
        kind=share.kind,
        transport=share.transport,
        torrent=share.torrent,
        root_certificate=share.root_certificate or None,
        contacts=tuple(contacts),
        announce=tuple(announce),
        note=share.note,
        # In every envelope: it is unknown which of our envelopes a recipient opens first.
        succession=bytes(identity.succession) if identity.succession else b"",
        record=record,
        left_out=tuple(
            Omission(each.reason, each.number, each.names)
            for each in share.left_out
            if each.reason != LeftOutReason.PATTERN
        ),
    )
    own_ticket = Ticket(_passkey(share, ""), share.leaf_certificate or None, share.leaf_key or None)
    others = [user for user in users if user.card is None or user.card.signer not in identity.signers]
    envelope = seal(
        manifest,
        [_recipient(user, _issue_ticket(share, user, now)) for user in others],
        Sender(identity.signing_key, identity.public_key, own_ticket),
    )
    return SealedShare(envelope, tuple(_remember(share, user, now) for user in others))


def _passkey(share: ShareRecord, name: str) -> bytes:
    return hmac.digest(share.secret, b"tuishare/passkey\0" + name.encode(), hashlib.sha256)


def _remember(share: ShareRecord, user: User, now: datetime) -> RecipientRecord:
    digest = hashlib.sha256(_passkey(share, user.name)).digest()
    return RecipientRecord(
        share.id,
        user.name,
        digest,
        sealed=int(now.timestamp()),
        remaining=share.size,
        holder=user.key_ids[0],
    )


def _lifetime(share: ShareRecord, now: datetime) -> timedelta:
    """Return how long a ticket of a share is valid: until the share expires, if it does."""
    if not share.not_after:
        return LEAF_LIFETIME
    return min(LEAF_LIFETIME, max(timedelta(0), datetime.fromtimestamp(share.not_after, UTC) - now))


def _issue_ticket(share: ShareRecord, user: User, now: datetime) -> Ticket:
    passkey = _passkey(share, user.name)
    if share.transport == "plain":
        return Ticket(passkey, None, None)
    leaf = ShareAuthority(share.root_certificate, share.root_key).issue(now, lifetime=_lifetime(share, now))
    return Ticket(passkey, leaf.certificate, leaf.key)


def _recipient(user: User, ticket: Ticket) -> Recipient:
    if user.card is not None:
        return CardRecipient(user.card.public_key, ticket)
    assert user.key is not None  # a user has one of the two
    return KeyRecipient(user.key, ticket)


def salt_of(share_id: str) -> bytes:
    """Return the salt in the info dictionary of a share's torrents: 16 bytes, the same in every generation.

    It gives each share an info-hash of its own, which shows the content to owners of an envelope only.
    """
    return hashlib.sha256(b"tuishare/salt\0" + bytes.fromhex(share_id)).digest()[:16]
