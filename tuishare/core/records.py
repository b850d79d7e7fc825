"""The records of the database, one frozen value per row, and the tables of their steps.

Owns their shapes, the properties of the steps, and the check of a transition against a table. A change is a new record,
saved before its side effect; only the `transitions` modules of the agent, which own the tables, change a step. Must not
decide anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, NamedTuple, Self, TypeVar

from tuishare.config.model import Transport
from tuishare.core.left_out import LeftOut
from tuishare.torrents import LocalNames

_Step = TypeVar("_Step", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)


class ShareStep(StrEnum):
    """How far a share has come; a step is recorded before the work that it names begins."""

    SETTLING = "settling"
    """Its payload has changed; it is hashed when its entry has stopped changing."""
    HASHING = "hashing"
    SEALING = "sealing"
    SEEDING = "seeding"
    PROBLEM = "problem"
    WITHDRAWN = "withdrawn"
    """Its payload is gone, or it has expired: it is not seeded."""
    FORGOTTEN = "forgotten"
    """Removed by the user. Kept so that the drop folder does not share it again."""
    DELETING = "deleting"
    """Being deleted with its payload, which a crash must neither undo nor leave half done."""
    MANUAL = "manual"
    """Made by `tuishare create`; the agent leaves it alone."""

    @property
    def is_active(self) -> bool:
        """Whether the agent works on the share or seeds it; it is queued at every start."""
        return self in {ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING}

    @property
    def has_ended(self) -> bool:
        """Whether sharing has ended: the payload is not watched, and the outbox has no envelope of it."""
        return self in {ShareStep.WITHDRAWN, ShareStep.FORGOTTEN, ShareStep.DELETING}

    @property
    def is_removed(self) -> bool:
        """Whether the user removed the share; revoked users may be recipients of what is shared from its path next."""
        return self in {ShareStep.FORGOTTEN, ShareStep.DELETING}


class DownloadStep(StrEnum):
    """How far a download has come."""

    WAITING = "waiting"
    """Not admitted: for the user's approval, or until another download of its torrent is gone."""
    QUEUED = "queued"
    """For a slot, for space, or while another download of its torrent has the swarm."""
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
    """A share; sizes in bytes, times in Unix seconds, certificates and keys as DER.

    Attributes:
        id: share id of the manifest, 32 hexadecimal digits.
        secret: 32 bytes that the recipients' passkeys are derived from.
        folder: the drop folder that it came from, or empty.
        path: the payload.
        fingerprint: of the payload when it was hashed; empty before.
        envelope: name of the file in the outbox; empty before it is chosen.
        sealed: the last generation whose envelope was published; 0 before.
        paused: whether the user has paused it.
        kind: of the envelope of this generation: a ``share`` has new content, a ``renew`` has new tickets for the
            content of the generation before.
        announce: trackers that it was made with by hand; ``{passkey}`` stands for each recipient's own.
        note: for the recipients, at most 500 characters.
        not_after: when it expires; 0: never.
        contacts: ``host:port`` where we seed it, as named in the last published envelope; empty before.
        left_out: what of the payload is not shared.
        skip: generations that the next one leaves out, because they may have gone out after a backup was made.
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
    left_out: tuple[LeftOut, ...] = ()
    skip: int = 0


@dataclass(frozen=True, slots=True)
class RecipientRecord:
    """One recipient of one share: their ticket and progress; times in Unix seconds. Only the envelope has the passkey.

    Attributes:
        passkey_hash: SHA-256 of the passkey, 32 bytes.
        sealed: when the ticket was made.
        remaining: bytes that they lacked when they announced last.
        opened: when they were first seen in the swarm; 0: not yet.
        completed: when they had all data; 0: not yet.
        seen: when they were last seen; 0: never.
        revoked: when they were revoked; 0: they were not.
        until: once revoked, the last generation that they had a ticket for.
        holder: their first `tuishare.people.User.key_ids` when the ticket was made, 32 bytes; empty: not recorded.
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
        """Return a tracker of a manifest with a recipient's own passkey in its URL."""
        return cls(url.replace("{passkey}", passkey.hex()), (pin or b"").hex())


@dataclass(frozen=True, slots=True)
class DownloadRecord:
    """A download, without its torrent, which the database keeps apart; units as in `ShareRecord`.

    Attributes:
        id: derived from signer and share id, so that the same share is one download.
        envelope: name of the file in the inbox.
        envelope_hash: SHA-256 of that file, because another file may get its name.
        signer: first Ed25519 public key of the sender, 32 bytes; it stays when they replace their card.
        staging: private folder that the engine writes into.
        path: the place of the payload; chosen when all data has arrived.
        fingerprint: of the payload as it was delivered; see `tuishare.agent.downloads.inventory`.
        trackers: where it is announced, best first.
        paused: whether the user has paused it.
        replaces: the payload that the previous generation delivered, or empty.
        replaces_fingerprint: of that payload, as `fingerprint`.
        completed: when it was delivered; 0 before.
        note: of the sender.
        not_after: when the sender withdraws it; 0: never.
        unwanted: numbers of the files that the user does not want, in the torrent's order.
        cost: bytes of disk that the wanted files take; see `tuishare.torrents.cost_of`.
        entries: number of files and folders that the wanted files need.
        weight: bytes of the torrent.
        conflict: id of the download of the same torrent for which this one waits or rests, or empty.
        fault: a `tuishare.core.faults.Fault`, where the sender caused `problem` or can mend it; empty otherwise.
        left_out: what the sender says of theirs is not in it.
        local_name: of the payload here, where the disk does not take that of the torrent; otherwise empty.
        renamed: for a folder, each path below it that is another one here, and that one; components joined by ``/``.
        replaces_renamed: of the payload that is replaced, as `renamed`.
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
    fault: str = ""
    left_out: tuple[LeftOut, ...] = ()
    local_name: str = ""
    renamed: tuple[tuple[str, str], ...] = ()
    replaces_renamed: tuple[tuple[str, str], ...] = ()

    @property
    def payload_name(self) -> str:
        """Name that the payload is to have here, unless it is taken."""
        return self.local_name or self.name

    @property
    def local_names(self) -> LocalNames:
        """The names that the payload and its files have here."""
        return LocalNames(self.local_name, dict(self.renamed))

    @property
    def is_half_delivered(self) -> bool:
        """Whether a delivery has begun and not ended: the payload may be in its staging folder or in its place."""
        is_stopped = self.step in {DownloadStep.DELIVERING, DownloadStep.PROBLEM}
        return is_stopped and bool(self.staging and self.path)


@dataclass(frozen=True, slots=True)
class KnownAddressRecord:
    """The newest address record of a user, or of this agent itself.

    Attributes:
        signer: Ed25519 public key of the card, 32 bytes.
        sequence: of the record; a lower one never replaces it.
        signed: the record, see `tuishare.link.address_record`.
        introducible: the same without a mailbox, for others than contacts; empty: none.
    """

    signer: bytes
    sequence: int
    signed: bytes
    introducible: bytes = b""


class HandoverState(StrEnum):
    """What became of an envelope that a link is to hand over."""

    WAITING = "waiting"
    HANDED_OVER = "handed-over"
    REFUSED = "refused"
    COMPLETE = "complete"
    """The recipient's agent states that it has delivered the payload."""


@dataclass(frozen=True, slots=True)
class HandoverRecord:
    """The newest envelope of one share for one recipient, as handed over by link; times in Unix seconds.

    Attributes:
        recipient: Ed25519 public key of the recipient's card, 32 bytes.
        user: name of the recipient.
        generation: of the share.
        digest: SHA-256 of the envelope.
        size: of the envelope, bytes.
        at: when `state` was entered.
        detail: why it is refused or waits, as the recipient's agent stated it; not free of control characters.
        receipt: the recipient's last signed receipt; empty before.
        fault: a `tuishare.core.faults.Fault` that the recipient's agent has told, or empty.
        hub: when it was put into the recipient's mailbox; 0: it was not.
    """

    recipient: bytes
    share: str
    user: str
    generation: int
    digest: bytes
    size: int
    at: int
    state: HandoverState = HandoverState.WAITING
    detail: str = ""
    receipt: bytes = b""
    fault: str = ""
    hub: int = 0


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """A receipt that a recipient's agent has signed for us; one for each state of each envelope.

    Attributes:
        recipient: Ed25519 public key of the recipient's card, 32 bytes.
        digest: SHA-256 of the envelope.
        state: as in the receipt.
        share: id of the share; it may be gone since.
        name: of the share.
        user: name of the recipient.
        generation: of the share.
        at: when the receipt came, Unix seconds by our clock.
        signed: the receipt, see `tuishare.link.receipt`.
    """

    recipient: bytes
    digest: bytes
    state: Literal["received", "refused", "complete"]
    share: str
    name: str
    user: str
    generation: int
    at: int
    signed: bytes


@dataclass(frozen=True, slots=True)
class ArrivalRecord:
    """The newest envelope of one sender's share that came by link, and the receipt for it.

    Attributes:
        signer: Ed25519 public key of the card of the contact who handed it over, 32 bytes.
        share: id of the share as offered, 32 hexadecimal digits.
        generation: as offered.
        digest: SHA-256 of the envelope.
        envelope: name of the file in the inbox.
        state: as in the receipt.
        at: when `state` was entered, Unix seconds.
        receipt: ours, signed.
        owed: whether the contact has not confirmed this receipt.
        fault: a `tuishare.core.faults.Fault` that the contact was told last, or that comes with the receipt; or empty.
    """

    signer: bytes
    share: str
    generation: int
    digest: bytes
    envelope: str
    at: int
    receipt: bytes
    state: Literal["received", "refused", "complete"] = "received"
    owed: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An entry of the activity log.

    Attributes:
        at: Unix seconds.
        kind: a `tuishare.core.activity.ActivityKind`.
        subject: name of the share, download or user, fit to be shown.
        detail: one sentence or less; may be empty.
        id: grows from entry to entry; 0 while it is not in the database.
    """

    at: int
    kind: str
    subject: str
    detail: str
    id: int = 0


class IllegalTransition(RuntimeError):
    """An event happened in a step that does not allow it: a bug."""


class TransitionTable(Generic[_Step, _Event]):
    """The steps that follow from a step and an event; any other pair is refused."""

    def __init__(self, initial: _Step, rows: Mapping[_Event, Mapping[_Step, Collection[_Step]]]) -> None:
        """Make a table.

        Args:
            initial: the step of a new record.
            rows: by event and step, the steps that may follow.
        """
        self.initial = initial
        self._rows = {event: {step: frozenset(row[step]) for step in row} for event, row in rows.items()}

    def __iter__(self) -> Iterator[tuple[_Step, _Event, frozenset[_Step]]]:
        """Yield each allowed pair of step and event, with the steps that may follow."""
        for event, row in self._rows.items():
            for step, targets in row.items():
                yield step, event, targets

    def targets(self, step: _Step, event: _Event) -> frozenset[_Step]:
        """Return the steps that may follow; empty if the event cannot happen."""
        return self._rows.get(event, {}).get(step, frozenset())

    def require(self, step: _Step, event: _Event, target: _Step) -> None:
        """Check one transition.

        Raises:
            IllegalTransition: the table does not have it.
        """
        if target not in self.targets(step, event):
            raise IllegalTransition(f"{event} leads from {step} to {target}, which the table does not have")


def lead(steps: Iterable[_Step], *targets: _Step) -> dict[_Step, Collection[_Step]]:
    """Return the row of an event that leads from each of these steps to the same ones."""
    return dict.fromkeys(steps, targets)


def stay(steps: Iterable[_Step]) -> dict[_Step, Collection[_Step]]:
    """Return the row of an event that leaves each of these steps as it is."""
    return {step: (step,) for step in steps}
