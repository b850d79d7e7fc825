"""From an envelope to what we may do with it: opened, attributed, its torrent accepted.

Owns the order of the questions: is it ours to open, who signed it, is its torrent one we take. Serves the inbox
pipeline and ``tuishare download`` alike. Pure but for the clock it is given: it reads no file and remembers nothing
(replays are the store's to refuse).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from tuishare.agent.records import TrackerAddress
from tuishare.envelope import CardKey, Manifest, OpeningKey, Ticket, UserKey, open_envelope
from tuishare.errors import Refused
from tuishare.people import Identity, UserBook
from tuishare.swarm import Credentials
from tuishare.torrents import Torrent, accept


class Trust(Enum):
    """What we know of the signer."""

    VERIFIED = auto()
    """A user whose fingerprint a person compared."""
    UNVERIFIED = auto()
    """A user whose card nobody has compared yet."""
    KEY_ONLY = auto()
    """No card of ours, but sealed with a key that we share with a user. Co-recipients could have done that too."""
    UNKNOWN = auto()
    """Nobody we know: knowing our card is enough to write to us."""
    OURSELVES = auto()
    """Our own share."""


@dataclass(frozen=True, slots=True)
class Received:
    """An intact envelope that was for us.

    Attributes:
        sender: name in the user book; empty when unknown.
        signer: Ed25519 public key, 32 bytes; its signature was proved.
        torrent: parsed and accepted.
    """

    sender: str
    signer: bytes
    trust: Trust
    manifest: Manifest
    ticket: Ticket
    torrent: Torrent

    @property
    def credentials(self) -> Credentials | None:
        """What we join the swarm with; None for a plain one.

        Raises:
            Refused: the sender put no certificate into our ticket.
        """
        if self.manifest.root_certificate is None:
            return None
        if self.ticket.leaf_certificate is None or self.ticket.leaf_key is None:
            raise Refused(
                "The sender put no certificate into your ticket", hint="Ask the sender to seal it again."
            )
        return Credentials(self.manifest.root_certificate, self.ticket.leaf_certificate, self.ticket.leaf_key)

    @property
    def trackers(self) -> tuple[TrackerAddress, ...]:
        """Where to announce, with our own passkey filled in; best first."""
        passkey = self.ticket.passkey.hex()
        return tuple(
            TrackerAddress(entry.url.replace("{passkey}", passkey), (entry.pin or b"").hex())
            for entry in self.manifest.announce
        )

    @property
    def renews(self) -> bool:
        """Whether it gives new tickets for content that its recipients have heard of before."""
        return self.manifest.kind == "renew"


def receive(
    data: bytes, identity: Identity, book: UserBook, *, keys: Sequence[bytes] = (), now: datetime
) -> Received:
    """Open an envelope with all we have, and judge it.

    Args:
        data: the whole file, format TSE1.
        identity: ours, tried first.
        book: whose keys are tried next, and who may have signed.
        keys: further 256-bit keys, given by hand.
        now: the time, with a zone.

    Raises:
        NotForUs: none of our keys opens it.
        Damaged: it is not intact.
        Refused: it has expired, or its torrent is not one that we take.
    """
    named = book.keys()
    opening: list[OpeningKey] = [CardKey(identity.private_key)]
    opening += [UserKey(key) for _, key in named]
    opening += [UserKey(key) for key in keys if key not in dict(named).values()]
    opened = open_envelope(data, opening)
    _require_current(opened.manifest, now)
    trackers = {entry.url for entry in opened.manifest.announce}
    torrent = accept(
        opened.manifest.torrent,
        transport=opened.manifest.transport,
        announce_allowed=trackers.__contains__,  # signed and sealed, unlike what stands in a torrent
    )
    opener = named[opened.key_index - 1][0] if 0 < opened.key_index <= len(named) else ""
    sender, trust = _attribute(opened.signer, identity, book, by_key=opened.key_index > 0, opener=opener)
    return Received(sender, opened.signer, trust, opened.manifest, opened.ticket, torrent)


def download_id(signer: bytes, share_id: bytes) -> str:
    """Name a download, so that all generations of one signer's share are one: 32 hexadecimal digits."""
    return hashlib.sha256(b"tuishare/download\0" + signer + share_id).hexdigest()[:32]


def _attribute(
    signer: bytes, identity: Identity, book: UserBook, *, by_key: bool, opener: str
) -> tuple[str, Trust]:
    """Say who signed. The signature alone counts: a co-recipient may know the content key, and thus seal a body."""
    if signer == identity.signer:
        return "", Trust.OURSELVES
    if user := book.signer(signer):
        return user.name, Trust.VERIFIED if user.verified else Trust.UNVERIFIED
    return opener, Trust.KEY_ONLY if by_key else Trust.UNKNOWN


def _require_current(manifest: Manifest, now: datetime) -> None:
    if manifest.not_after is not None and now.timestamp() > manifest.not_after:
        ended = datetime.fromtimestamp(manifest.not_after, UTC)
        raise Refused(f"This share expired on {ended:%Y-%m-%d}", hint="Ask the sender to share it again.")
