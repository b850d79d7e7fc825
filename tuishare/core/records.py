"""What the store remembers: one frozen value per row.

Owns the shapes only. A new state of the world is a new record, made with `dataclasses.replace` and saved before its
side effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, Self

from tuishare.config.model import Transport


class ShareStep(StrEnum):
    """How far a share has come; each is recorded before the work that it names begins."""

    SETTLING = "settling"
    """It changed while it was hashed, or since; its drop folder waits for it."""
    HASHING = "hashing"
    SEALING = "sealing"
    SEEDING = "seeding"
    PROBLEM = "problem"
    WITHDRAWN = "withdrawn"
    """Its payload is gone, or its time is over: nobody is served any more."""
    FORGOTTEN = "forgotten"
    """Its owner does not want it shared in this form; kept so that the drop folder is not taken at its word."""
    DELETING = "deleting"
    """Its owner wants it deleted with its payload, which a crash must neither undo nor leave half done."""
    MANUAL = "manual"
    """Made by `tuishare create`; the agent leaves it alone."""

    @property
    def is_active(self) -> bool:
        """Whether the agent works on the share or keeps it seeded; in these steps it is queued after a start."""
        return self in {ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING}

    @property
    def has_ended(self) -> bool:
        """Whether sharing has ended: the payload is not followed, and no envelope stays in the outbox."""
        return self in {ShareStep.WITHDRAWN, ShareStep.FORGOTTEN, ShareStep.DELETING}

    @property
    def is_removed(self) -> bool:
        """Whether the user removed the share; who was taken out of it may get what is shared from there next."""
        return self in {ShareStep.FORGOTTEN, ShareStep.DELETING}


class DownloadStep(StrEnum):
    """How far an envelope from the inbox has come."""

    WAITING = "waiting"
    """For a person's approval."""
    QUEUED = "queued"
    """For free space."""
    DOWNLOADING = "downloading"
    DELIVERING = "delivering"
    """Complete and on disk; its final name is recorded and being taken."""
    COMPLETE = "complete"
    PROBLEM = "problem"

    @property
    def is_unfinished(self) -> bool:
        """Whether the download is admitted and not yet complete; it counts towards the sender's quota."""
        return self.is_fetching or self is DownloadStep.DELIVERING

    @property
    def is_fetching(self) -> bool:
        """Whether the download is admitted and still needs its swarm to get data."""
        return self in {DownloadStep.QUEUED, DownloadStep.DOWNLOADING, DownloadStep.PROBLEM}

    @property
    def has_all_data(self) -> bool:
        """Whether every wanted piece has arrived; a failed delivery is a `PROBLEM`, whose record has a path."""
        return self in {DownloadStep.DELIVERING, DownloadStep.COMPLETE}


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """Something we publish; sizes in bytes, times in Unix seconds, certificates and keys as DER.

    Attributes:
        id: share id of the manifest, 32 hexadecimal digits.
        secret: 32 bytes that the recipients' passkeys are derived from.
        folder: the drop folder that it came from, or empty.
        path: the payload.
        fingerprint: of the payload's tree when it was hashed; empty before.
        envelope: name of the file in the outbox; empty before it is chosen.
        sealed: the last generation whose envelope was published; 0 before.
        paused: its owner wants nobody to be served for now.
        kind: what the envelope of this generation is: a ``share`` of content, or a ``renew``, which gives new tickets
            for the content that the generation before had.
        announce: trackers that it was made with by hand; ``{passkey}`` stands for each member's own.
        note: for the recipients, at most 500 characters.
        not_after: when it is withdrawn; 0: never.
        contacts: ``host:port`` where we seed it, as the envelope says that was published last; empty before.
    """

    id: str
    path: str
    name: str
    recipients: tuple[str, ...]
    transport: Transport
    added: int
    secret: bytes
    folder: str = ""
    generation: int = 1
    step: ShareStep = ShareStep.HASHING
    fingerprint: str = ""
    size: int = 0
    files: int = 0
    info_hash: str = ""
    torrent: bytes = b""
    root_certificate: bytes = b""
    root_key: bytes = b""
    leaf_certificate: bytes = b""
    leaf_key: bytes = b""
    envelope: str = ""
    sealed: int = 0
    problem: str = ""
    hint: str = ""
    paused: bool = False
    note: str = ""
    not_after: int = 0
    kind: Literal["share", "renew"] = "share"
    announce: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecipientRecord:
    """One person's ticket for one share, and how far he is with it; the passkey itself is in the envelope alone.

    Attributes:
        passkey_hash: SHA-256 of the passkey, 32 bytes.
        sealed: when the ticket was made, Unix seconds.
        remaining: bytes that he lacked when he last told.
        opened: when he was first seen in the swarm; 0: not yet.
        completed: when he had everything; 0: not yet.
        seen: when he was last seen; 0: never.
        revoked: when his ticket was revoked; 0: it was not.
        until: once revoked, the last generation that he had a ticket for.
        holder: his first `tuishare.people.User.key_ids` when it was made, 32 bytes; empty: not recorded then.
    """

    share: str
    user: str
    passkey_hash: bytes
    sealed: int = 0
    remaining: int = 0
    opened: int = 0
    completed: int = 0
    seen: int = 0
    revoked: int = 0
    until: int = 0
    holder: bytes = b""


class TrackerAddress(NamedTuple):
    """Where to announce a download.

    Attributes:
        url: announce URL; it may hold our passkey.
        pin: SHA-256 of the public key of the tracker's certificate, hexadecimal; empty without one.
    """

    url: str
    pin: str

    @classmethod
    def of(cls, url: str, passkey: bytes, pin: bytes | None = None) -> Self:
        """Fill a member's own passkey into what a manifest says of a tracker."""
        return cls(url.replace("{passkey}", passkey.hex()), (pin or b"").hex())


@dataclass(frozen=True, slots=True)
class DownloadRecord:
    """Something we receive, without its torrent, which stays in the store; units as in `ShareRecord`.

    Attributes:
        id: derived from signer and share id, so that the same share is one download.
        envelope: name of the file in the inbox.
        envelope_hash: SHA-256 of that file, because another one may come to have its name.
        signer: Ed25519 public key that the sender had first, 32 bytes; it stays when he replaces his card.
        staging: fresh private folder that the engine writes into.
        path: where the payload lands; chosen when it is complete.
        fingerprint: of the payload as it was delivered; see `tuishare.agent.downloads.inventory`.
        trackers: where it is announced, best first.
        paused: its owner wants it to rest for now.
        replaces: the payload that the former generation delivered, or empty.
        replaces_fingerprint: of that, as `fingerprint`.
        completed: when it was delivered; 0 before.
        note: of the sender.
        not_after: Unix seconds after which he withdraws it; 0: never.
        unwanted: the numbers of files that its owner does not want, in the torrent's order.
        cost: bytes of disk that what is wanted takes; see `tuishare.torrents.cost_of`.
        entries: how many files and folders that is.
        weight: bytes of the torrent.
        conflict: id of the download of the same torrent in whose favour this one waits or rests, or empty.
    """

    id: str
    envelope: str
    added: int
    step: DownloadStep
    sender: str = ""
    signer: bytes = b""
    share: str = ""
    generation: int = 0
    name: str = ""
    size: int = 0
    files: int = 0
    transport: Transport = "tls"
    info_hash: str = ""
    contacts: tuple[str, ...] = ()
    root_certificate: bytes = b""
    leaf_certificate: bytes = b""
    leaf_key: bytes = b""
    staging: str = ""
    path: str = ""
    fingerprint: str = ""
    envelope_hash: bytes = b""
    problem: str = ""
    hint: str = ""
    trackers: tuple[TrackerAddress, ...] = ()
    paused: bool = False
    replaces: str = ""
    replaces_fingerprint: str = ""
    completed: int = 0
    note: str = ""
    not_after: int = 0
    unwanted: tuple[int, ...] = ()
    cost: int = 0
    entries: int = 0
    weight: int = 0
    conflict: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened.

    Attributes:
        at: Unix seconds.
        kind: a `tuishare.core.activity.ActivityKind`.
        subject: name of what it happened to, fit to be shown.
        detail: one sentence or less; may be empty.
        id: grows from event to event; 0 while it is not in the store.
    """

    at: int
    kind: str
    subject: str
    detail: str
    id: int = 0
