"""Opening envelopes: decrypt one, attribute it to its signer, and accept its torrent.

Owns the order of the checks: whether one of our keys opens it, who signed it, whether its torrent is acceptable. Signed
content is decoded only once the signer is known (threat T1). Used by the inbox and by ``tuishare download``. Pure: it
reads no file or clock and keeps no state (the database refuses replays).
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
from tuishare.people import (
    Identity,
    KeyRotation,
    User,
    UserBook,
    decode_succession,
    find_predecessor,
    name_key,
)
from tuishare.swarm import Credentials
from tuishare.torrents import DEFAULT_LIMITS, TooLarge, Torrent, TorrentLimits, accept


class Trust(Enum):
    """How far a signer is known."""

    VERIFIED = auto()
    """A user whose fingerprint was compared."""
    ADMITTED = auto()
    """An unverified user whose envelopes need no approval, by the choice of this agent's user."""
    UNVERIFIED = auto()
    """A user whose fingerprint was not compared yet."""
    KEY_ONLY = auto()
    """An unknown signer, but sealed with a key that we share with a user; other recipients may have that key too."""
    UNKNOWN = auto()
    """An unknown signer: our card is all that is needed to seal an envelope for us."""
    OURSELVES = auto()
    """Our own share."""


@dataclass(frozen=True, slots=True)
class SignedEnvelope:
    """An envelope for us whose content is not read yet: who signed it.

    Attributes:
        sender: name in the user book; empty if unknown.
        signer: Ed25519 public key, 32 bytes; its signature is valid.
        trust: how far the signer is known.
        origin: the sender's first known signing key, which stays the same when they replace their card.
        succession: signature of the sender's previous card for the signer; None if the signer is known.
    """

    sender: str
    signer: bytes
    trust: Trust
    origin: bytes
    succession: KeyRotation | None = None


class UnknownSender(Refused):
    """An envelope that is kept: it may be accepted once its signer is verified."""

    code = "not-yet"
    title = "Sender not verified"


class ShareExpired(Refused):
    """An envelope whose share has ended, by our clock."""


class UnknownSigner(UnknownSender):
    """An envelope by a key that belongs to no card known here, of which nothing is read; it is kept.

    Attributes:
        signer: Ed25519 public key, 32 bytes; its signature is valid.
    """

    title = "Signer unknown"

    def __init__(self, signer: bytes) -> None:
        super().__init__(
            f"Waits: it was signed by the unknown key {name_key(signer)}",
            hint="It is opened by itself when its sender's card is added, by hand, an invitation or an introduction.",
        )
        self.signer = signer


SenderBounds = Callable[[SignedEnvelope], TorrentLimits]
"""Returns the limits for a torrent by this signer, or raises if nothing by them is to be read."""


@dataclass(frozen=True, slots=True)
class OpenedEnvelope:
    """An intact envelope for us; attributes that are not listed are those of `SignedEnvelope`.

    Attributes:
        manifest: as signed.
        ticket: ours.
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
        """The credentials to join the swarm with; None for a plain swarm.

        Raises:
            Refused: our ticket has no certificate.
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
        """The trackers to announce to, best first; their URLs hold our passkey."""
        passkey = self.ticket.passkey
        return tuple(TrackerAddress.of(entry.url, passkey, entry.pin) for entry in self.manifest.announce)

    @property
    def renews(self) -> bool:
        """Whether it has new tickets for content that its recipients received an envelope of before."""
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
    """Open an envelope and check it: first its signer, then its content.

    Args:
        data: the whole file, format TSE1.
        identity: ours; its keys, previous ones included, are tried first.
        book: the known signers; the keys of its users are tried next.
        keys: further 256-bit keys to try.
        now: the time, with a zone.
        bounds: called with the signer before anything else of the envelope is decoded.

    Raises:
        NotForUs: none of the keys opens it.
        Damaged: it is not intact.
        UnknownSender: its torrent exceeds the limits for this signer; it may be accepted once they are verified.
        Refused: it has expired, was signed with a replaced key, or its torrent is not acceptable.
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
            announce_allowed=trackers.__contains__,  # the manifest's trackers are signed
        )
    except TooLarge as error:
        if limits == DEFAULT_LIMITS:
            raise
        who = signed.sender if signed.trust in {Trust.UNVERIFIED, Trust.ADMITTED} else "its sender"
        raise UnknownSender(
            f"{error.detail}, which is accepted from verified users only, and {who} is not verified",
            hint="Add the sender's card, compare fingerprints, then use `tuishare user verify`; it is opened then.",
        ) from error


def is_from_verified(data: bytes, identity: Identity, book: UserBook) -> bool:
    """Return whether a verified user signed an envelope (format TSE1) for us; its content is not read."""
    try:
        return _unseal(data, identity, book, ())[1].trust is Trust.VERIFIED
    except (Damaged, NotForUs, Refused):
        return False


def download_id(signer: bytes, share_id: bytes) -> str:
    """Return the id of a download, which all generations of one signer's share have: 32 hexadecimal digits."""
    return hashlib.sha256(b"tuishare/download\0" + signer + share_id).hexdigest()[:32]


def _unseal(
    data: bytes, identity: Identity, book: UserBook, keys: Sequence[bytes]
) -> tuple[Unsealed, SignedEnvelope]:
    """Open an envelope as far as is needed to know its signer; arguments and errors as for `open_received`."""
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
    """Attribute an envelope by its signature alone: another recipient may know the content key and seal a body."""
    signer = unsealed.signer
    succession = _find_succession(unsealed, book)
    known = _predecessor(succession, book) if succession else signer
    if known in identity.signers:
        sender, trust = "", Trust.OURSELVES
    elif user := book.signer(known):
        sender, trust = user.name, _trust_in(user)
    elif user := book.former(known):
        raise Refused(
            f"It was signed with a previous key of {user.name}",
            hint=f"Ask {user.name} to share it again.",
        )
    else:
        sender, trust = opener, Trust.KEY_ONLY if by_key else Trust.UNKNOWN
    return SignedEnvelope(sender, signer, trust, book.first_signer(known), succession)


def _trust_in(user: User) -> Trust:
    if user.verified:
        return Trust.VERIFIED
    return Trust.ADMITTED if user.admitted else Trust.UNVERIFIED


def _find_succession(unsealed: Unsealed, book: UserBook) -> KeyRotation | None:
    """Return the signature of a known user's previous card for an unknown signer; None if it is missing or invalid."""
    if book.signer(unsealed.signer) or not (encoded := unsealed.succession):
        return None
    try:
        succession = decode_succession(encoded)
    except BadInput:
        return None
    ours = succession.card.signer == unsealed.signer and find_predecessor(book, succession) is not None
    return succession if ours else None


def _predecessor(succession: KeyRotation, book: UserBook) -> bytes:
    return next(signer for signer in succession.formers if book.signer(signer))


def _require_current(manifest: Manifest, now: datetime) -> None:
    if manifest.not_after is not None and now.timestamp() > manifest.not_after:
        ended = datetime.fromtimestamp(manifest.not_after, UTC)
        raise ShareExpired(
            f"This share expired on {ended:%Y-%m-%d}", hint="Ask the sender to share it again."
        )
