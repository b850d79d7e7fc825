"""From an envelope to what we may do with it: opened, attributed, its torrent accepted.

Owns the order of the questions: is it ours to open, who signed it, is its torrent one we take. Nothing that was signed
is decoded before it is known who signed it (threat T1). Serves the inbox pipeline and ``tuishare download`` alike. Pure
but for the clock it is given: it reads no file and remembers nothing (replays are the store's to refuse).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from tuishare.core.records import TrackerAddress
from tuishare.envelope import (
    CardKey,
    Damaged,
    Manifest,
    NotForUs,
    OpeningKey,
    Ticket,
    Unsealed,
    UserKey,
    unseal,
)
from tuishare.errors import BadInput, Refused
from tuishare.people import Identity, KeyRotation, UserBook, decode_succession, find_predecessor
from tuishare.swarm import Credentials
from tuishare.torrents import DEFAULT_LIMITS, TooLarge, Torrent, TorrentLimits, accept


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
class SignedEnvelope:
    """An envelope for us, as far as it is known before its content is read: who signed it.

    Attributes:
        sender: name in the user book; empty when unknown.
        signer: Ed25519 public key, 32 bytes; its signature was proved.
        trust: what we know of them.
        origin: the key that the sender had first, as far as we know; it stays when they get a new card.
        succession: their former card's word for the one that signed; None where we know the one that signed.
    """

    sender: str
    signer: bytes
    trust: Trust
    origin: bytes
    succession: KeyRotation | None = None


class UnknownSender(Refused):
    """An envelope that is kept: it may be taken once its signer is verified."""

    code = "not-yet"
    title = "Sender not verified"


SenderBounds = Callable[[SignedEnvelope], TorrentLimits]
"""Says what bounds a torrent by that signer has, or raises where nothing of theirs is to be read."""


@dataclass(frozen=True, slots=True)
class OpenedEnvelope:
    """An intact envelope that was for us.

    Attributes:
        sender: name in the user book; empty when unknown.
        signer: Ed25519 public key, 32 bytes; its signature was proved.
        origin: the one that the sender had first, as far as we know; it stays when he gets a new card.
        succession: his former card's word for the one that signed; None where we know the one that signed.
        torrent: parsed and accepted.
    """

    sender: str
    signer: bytes
    trust: Trust
    manifest: Manifest
    ticket: Ticket
    torrent: Torrent
    origin: bytes
    succession: KeyRotation | None = None

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
        passkey = self.ticket.passkey
        return tuple(TrackerAddress.of(entry.url, passkey, entry.pin) for entry in self.manifest.announce)

    @property
    def renews(self) -> bool:
        """Whether it gives new tickets for content that its recipients have heard of before."""
        return self.manifest.kind == "renew"


def open_received(
    data: bytes,
    identity: Identity,
    book: UserBook,
    *,
    keys: Sequence[bytes] = (),
    now: datetime,
    bounds: SenderBounds = lambda _: DEFAULT_LIMITS,
) -> OpenedEnvelope:
    """Open an envelope with all we have, and judge it: first its signer, then what they signed.

    Args:
        data: the whole file, format TSE1.
        identity: ours with all of its former keys, tried first.
        book: whose keys are tried next, and who may have signed.
        keys: further 256-bit keys, given by hand.
        now: the time, with a zone.
        bounds: is told who signed before anything else of the envelope is decoded.

    Raises:
        NotForUs: none of our keys opens it.
        Damaged: it is not intact.
        NotYet: its torrent is over the bounds for that signer, and may be within those that hold once they are
            verified.
        Refused: it has expired, was signed with a former key, or its torrent is not one that we take.
    """
    unsealed, signed = _unseal(data, identity, book, keys)
    limits = bounds(signed)
    opened = unsealed.read()
    _require_current(opened.manifest, now)
    torrent = _accept(opened.manifest, signed, limits)
    return OpenedEnvelope(
        signed.sender,
        signed.signer,
        signed.trust,
        opened.manifest,
        opened.ticket,
        torrent,
        origin=signed.origin,
        succession=signed.succession,
    )


def _accept(manifest: Manifest, signed: SignedEnvelope, limits: TorrentLimits) -> Torrent:
    trackers = {entry.url for entry in manifest.announce}
    try:
        return accept(
            manifest.torrent,
            transport=manifest.transport,
            limits=limits,
            announce_allowed=trackers.__contains__,  # signed and sealed, unlike what stands in a torrent
        )
    except TooLarge as error:
        if limits == DEFAULT_LIMITS:
            raise
        who = signed.sender if signed.trust is Trust.UNVERIFIED else "its sender"
        raise UnknownSender(
            f"{error.detail}, which is read only from people you have verified, and {who} is not verified",
            hint="Add the sender's card and compare fingerprints, then `tuishare user verify`; it goes on by itself.",
        ) from error


def is_from_verified(data: bytes, identity: Identity, book: UserBook) -> bool:
    """Whether a verified user signed an envelope (format TSE1) for us; nothing of what they signed is read."""
    try:
        return _unseal(data, identity, book, ())[1].trust is Trust.VERIFIED
    except (Damaged, NotForUs, Refused):
        return False


def download_id(signer: bytes, share_id: bytes) -> str:
    """Name a download, so that all generations of one signer's share are one: 32 hexadecimal digits."""
    return hashlib.sha256(b"tuishare/download\0" + signer + share_id).hexdigest()[:32]


def _unseal(
    data: bytes, identity: Identity, book: UserBook, keys: Sequence[bytes]
) -> tuple[Unsealed, SignedEnvelope]:
    """Open an envelope as far as is needed to know who signed it; arguments and errors as for `receive`."""
    named = book.keys()
    ours = [CardKey(key) for key in (identity.private_key, *identity.retired)]
    opening: list[OpeningKey] = [*ours]
    opening += [UserKey(key) for _, key in named]
    opening += [UserKey(key) for key in keys if key not in dict(named).values()]
    unsealed = unseal(data, opening)
    index = unsealed.key_index - len(ours)
    opener = named[index][0] if 0 <= index < len(named) else ""
    return unsealed, _attribute(unsealed, identity, book, by_key=index >= 0, opener=opener)


def _attribute(
    unsealed: Unsealed, identity: Identity, book: UserBook, *, by_key: bool, opener: str
) -> SignedEnvelope:
    """Say who signed. The signature alone counts: a co-recipient may know the content key, and thus seal a body."""
    signer = unsealed.signer
    succession = _find_succession(unsealed, book)
    known = _predecessor(succession, book) if succession else signer
    if known in identity.signers:
        sender, trust = "", Trust.OURSELVES
    elif user := book.signer(known):
        sender, trust = user.name, Trust.VERIFIED if user.verified else Trust.UNVERIFIED
    elif user := book.former(known):
        raise Refused(
            f"It was signed with a key that {user.name} has replaced since",
            hint=f"Ask {user.name} to share it again.",
        )
    else:
        sender, trust = opener, Trust.KEY_ONLY if by_key else Trust.UNKNOWN
    return SignedEnvelope(sender, signer, trust, book.first_signer(known), succession)


def _find_succession(unsealed: Unsealed, book: UserBook) -> KeyRotation | None:
    """Find the word of somebody we know for a signer whom we do not know; a word that is none counts for nothing."""
    if book.signer(unsealed.signer) or not (word := unsealed.succession):
        return None
    try:
        succession = decode_succession(word)
    except BadInput:
        return None
    ours = succession.card.signer == unsealed.signer and find_predecessor(book, succession) is not None
    return succession if ours else None


def _predecessor(succession: KeyRotation, book: UserBook) -> bytes:
    return next(signer for signer in succession.formers if book.signer(signer))


def _require_current(manifest: Manifest, now: datetime) -> None:
    if manifest.not_after is not None and now.timestamp() > manifest.not_after:
        ended = datetime.fromtimestamp(manifest.not_after, UTC)
        raise Refused(f"This share expired on {ended:%Y-%m-%d}", hint="Ask the sender to share it again.")
