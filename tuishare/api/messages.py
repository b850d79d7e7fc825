"""The messages of the agent's API: frozen values, unknown fields refused.

Owns the vocabulary and its units, nothing that sends or computes. Sizes are bytes, rates are bytes per
second, times are Unix seconds. Names, paths and details are untrusted text: whoever displays them makes them
safe first.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, NewType

import msgspec

from tuishare.core.activity import ACTIVITY_SHOWN as ACTIVITY_SHOWN  # noqa: PLC0414
from tuishare.core.activity import ActivityKind as ActivityKind  # noqa: PLC0414
from tuishare.core.folder_state import FolderState as FolderState  # noqa: PLC0414

PROTOCOL: Final = 2
"""Version of these messages. Raised with every change that an older client or agent would misread."""

PROTOCOL_HEADER: Final = "Tuishare-Protocol"
"""Header in which both sides name their `PROTOCOL`."""

ShareId = NewType("ShareId", str)
"""Hexadecimal name of a share, unique within one agent."""

DownloadId = NewType("DownloadId", str)
"""Hexadecimal name of a download, unique within one agent."""

Count = Annotated[int, msgspec.Meta(ge=0)]
"""A number of bytes, bytes per second, seconds or things; never negative."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
"""A TCP port."""

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""How much of something is done, from 0 to 1."""


class ShareState(StrEnum):
    """Where a share stands on its way from dropped to seeded."""

    SETTLING = "settling"
    HASHING = "hashing"
    SEALING = "sealing"
    SEEDING = "seeding"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"
    PROBLEM = "problem"


class DownloadState(StrEnum):
    """Where a download stands on its way from envelope to delivered."""

    LOCKED = "locked"
    WAITING = "waiting"
    QUEUED = "queued"
    CHECKING = "checking"
    DOWNLOADING = "downloading"
    COMPLETE = "complete"
    REJECTED = "rejected"
    PAUSED = "paused"
    PROBLEM = "problem"


class DeliveryState(StrEnum):
    """How far one recipient is with one share."""

    NOT_OPENED = "not-opened"
    DOWNLOADING = "downloading"
    COMPLETE = "complete"
    REVOKED = "revoked"


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every message: frozen, and strict about what it does not know."""


class Problem(Message, frozen=True, kw_only=True):
    """Something that needs the person.

    Attributes:
        id: stable for as long as the problem lasts.
        title: what kind of trouble, three words or so.
        detail: one sentence about this case.
        hint: what to do about it; may be empty.
        since: when it began, Unix seconds.
    """

    id: str
    title: str
    detail: str
    hint: str
    since: Count


class Folder(Message, frozen=True, kw_only=True):
    """A watched drop folder.

    Attributes:
        path: absolute path.
        state: how it is watched.
        users: for whom its entries are shared, as configured (``@crew``, ``bob``).
        waiting: entries that are not shares yet.
        transport: ``tls`` or ``plain``.
    """

    path: str
    state: FolderState
    users: tuple[str, ...]
    waiting: Count
    transport: str = "tls"


class Status(Message, frozen=True, kw_only=True):
    """The agent itself.

    Attributes:
        name: the agent's own name, e.g. ``alice@studio``.
        version: of the program, e.g. ``0.1.0``.
        protocol: of these messages, see `PROTOCOL`.
        pid: process id.
        started: when the agent started, Unix seconds.
        now: the agent's clock when this was made, Unix seconds.
        listen_tls: port for TLS swarms, or None while it does not listen.
        listen_plain: port for plain swarms, or None.
        rate_up: bytes per second over all shares and downloads.
        rate_down: the same, inwards.
        free_bytes: free space where downloads land.
        fingerprint: of the agent's own card, base32.
        tls_ready: TLS 1.3 swarms with hybrid post-quantum key agreement work here.
        no_resumption: the self-test saw that no TLS session ticket is issued.
        problems: what needs the person, oldest first.
        drop_folders: in the order of the configuration.
        inbox: absolute path where encrypted torrents are put.
        outbox: absolute path where they come out.
        downloads: absolute path where payloads land.
        reachable: others can connect to us from outside; None while nobody can tell.
        public_address: ``host:port`` where we seem to be reachable from outside, or empty.
        listen_tracker: port of our own tracker, or None while there is none.
        listen_tracker_plain: that for plain swarms, or None.
    """

    name: str
    version: str
    protocol: Count
    pid: Count
    started: Count
    now: Count
    listen_tls: Port | None
    listen_plain: Port | None
    rate_up: Count
    rate_down: Count
    free_bytes: Count
    fingerprint: str
    tls_ready: bool
    no_resumption: bool
    problems: tuple[Problem, ...] = ()
    drop_folders: tuple[Folder, ...] = ()
    inbox: str = ""
    outbox: str = ""
    downloads: str = ""
    reachable: bool | None = None
    public_address: str = ""
    listen_tracker: Port | None = None
    listen_tracker_plain: Port | None = None


class UserKind(StrEnum):
    """By what a user is known."""

    CARD = "card"
    KEY = "key"


class User(Message, frozen=True, kw_only=True):
    """Somebody in the user book.

    Attributes:
        name: in the user book.
        kind: by what we know him.
        fingerprint: of his card, base32; empty for a key.
        words: the same to be read aloud, separated by spaces; empty for a key.
        verified: a person compared the fingerprint.
        groups: names without ``@``.
        accept_raw: envelopes in the raw form may be taken with his key.
        shares: how many shares are sealed for him now.
        complete: how many of them he has completely.
        seen: when he was last seen at one of them, Unix seconds; 0: never.
        former: base32 fingerprints of earlier cards that he replaced by his present one, latest first.
    """

    name: str
    kind: UserKind
    fingerprint: str = ""
    words: str = ""
    verified: bool = False
    groups: tuple[str, ...] = ()
    accept_raw: bool = False
    shares: Count = 0
    complete: Count = 0
    seen: Count = 0
    former: tuple[str, ...] = ()


class People(Message, frozen=True, kw_only=True):
    """Who is known here, and who we are.

    Attributes:
        card: our own, to be given to others.
        fingerprint: of that card, base32.
        words: the same to be read aloud, separated by spaces.
        succession: our former card's word for this one, to be given to those who know the former; empty without one.
        users: in the order they were added; their groups stand with them.
    """

    card: str = ""
    fingerprint: str = ""
    words: str = ""
    succession: str = ""
    users: tuple[User, ...] = ()


class Delivery(Message, frozen=True, kw_only=True):
    """How far one recipient is with one share.

    Attributes:
        user: name in the user book.
        state: where he stands.
        progress: of the payload.
        rate: bytes per second that we send him now.
        left: bytes that he still lacks; the size of the share while nobody knows.
        sealed: when his ticket was sealed, Unix seconds.
        opened: when he was first seen; 0: not yet.
        completed: when he had all of it; 0: not yet.
        seen: when he was last seen; 0: never.
        revoked: when his ticket was revoked; 0: it was not.
    """

    user: str
    state: DeliveryState
    progress: Fraction
    rate: Count = 0
    left: Count = 0
    sealed: Count = 0
    opened: Count = 0
    completed: Count = 0
    seen: Count = 0
    revoked: Count = 0


class Share(Message, frozen=True, kw_only=True):
    """Something this agent publishes.

    Attributes:
        id: of the share.
        name: of its file or folder; untrusted text.
        recipients: as configured, e.g. ``("@crew",)``, without whoever was taken out by name.
        size: of the payload, bytes; what is known so far while it settles.
        files: number of files.
        state: where it stands.
        progress: of the step that `state` names; 1 while seeding.
        rate_up: bytes per second.
        uploaded: bytes sent since the share was made.
        peers: connected now.
        generation: 1, 2, ... as content or recipients change.
        added: when it was noticed, Unix seconds.
        transport: ``tls`` or ``plain``.
        path: of the payload on disk.
        detail: what is wrong, or empty.
        hint: what to do about it, or empty.
        note: for the recipients; untrusted text.
        not_after: when it is withdrawn, Unix seconds; 0: never.
        deliveries: one for each recipient that has or had a ticket; empty before it is sealed.
    """

    id: ShareId
    name: str
    recipients: tuple[str, ...]
    size: Count
    files: Count
    state: ShareState
    progress: Fraction
    rate_up: Count
    uploaded: Count
    peers: Count
    generation: Count
    added: Count
    transport: str
    path: str
    detail: str = ""
    hint: str = ""
    note: str = ""
    not_after: Count = 0
    deliveries: tuple[Delivery, ...] = ()


class Download(Message, frozen=True, kw_only=True):
    """Something this agent receives.

    Attributes:
        id: of the download.
        sender: name in the user book, or empty while nobody knows.
        name: of the payload, or of the envelope while it is locked; untrusted text.
        size: of the payload, bytes.
        files: number of files.
        state: where it stands.
        progress: of the payload.
        rate_down: bytes per second.
        rate_up: bytes per second.
        eta: seconds until complete at the present rate, or None when nobody can tell.
        peers: connected now.
        added: when the envelope was noticed, Unix seconds.
        path: where the payload lands, or of the envelope before that.
        detail: what is wrong, or empty.
        hint: what to do about it, or empty.
        note: of the sender; untrusted text.
        not_after: when the sender withdraws it, Unix seconds; 0: never.
        generation: 1, 2, ... as the sender changed content or recipients; 0 while it is locked.
        fingerprint: of the sender's card, base32; empty while nobody knows it, or where a key takes its place.
        verified: a person compared that fingerprint.
    """

    id: DownloadId
    sender: str
    name: str
    size: Count
    files: Count
    state: DownloadState
    progress: Fraction
    rate_down: Count
    rate_up: Count
    eta: Count | None
    peers: Count
    added: Count
    path: str
    detail: str = ""
    hint: str = ""
    note: str = ""
    not_after: Count = 0
    generation: Count = 0
    fingerprint: str = ""
    verified: bool = False


class Activity(Message, frozen=True, kw_only=True):
    """Something that happened.

    Attributes:
        id: greater than that of everything before.
        at: Unix seconds.
        kind: what.
        subject: name of the share, download, envelope or setting.
        detail: one sentence or less; may be empty.
    """

    id: Count
    at: Count
    kind: ActivityKind
    subject: str
    detail: str


class Snapshot(Message, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """Everything a client shows, at one moment. First line of an event stream.

    Attributes:
        activity: the last of what happened, newest first, at most `ACTIVITY_SHOWN`.
    """

    status: Status
    shares: tuple[Share, ...]
    downloads: tuple[Download, ...]
    people: People = People()
    activity: tuple[Activity, ...] = ()


class Changes(Message, frozen=True, kw_only=True, tag_field="type", tag="changes"):
    """What became different since the line before.

    Attributes:
        status: the new one, or None when nothing but its clock moved.
        shares: new or altered.
        shares_removed: gone.
        downloads: new or altered.
        downloads_removed: gone.
        people: all of them, or None when nothing about them changed.
        activity: what happened since, newest first.
    """

    status: Status | None = None
    shares: tuple[Share, ...] = ()
    shares_removed: tuple[ShareId, ...] = ()
    downloads: tuple[Download, ...] = ()
    downloads_removed: tuple[DownloadId, ...] = ()
    people: People | None = None
    activity: tuple[Activity, ...] = ()


class Heartbeat(Message, frozen=True, kw_only=True, tag_field="type", tag="heartbeat"):
    """Nothing changed and the agent is alive; ``now`` is its clock, Unix seconds."""

    now: Count


Event = Snapshot | Changes | Heartbeat
"""One line of the event stream."""


class Stopping(Message, frozen=True, kw_only=True):
    """Answer to a stop request: the agent has begun to stop; ``pid`` is the process to wait for."""

    pid: Count


class Reloaded(Message, frozen=True, kw_only=True):
    """Answer to a reload: what became of the settings that differ from those in force before.

    Attributes:
        applied: keys whose new value is in force now, such as ``drop`` or ``network.public_host``.
        restart: keys whose new value takes effect when the agent is started again.
    """

    applied: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


class ErrorBody(Message, frozen=True, kw_only=True):
    """What an error looks like on the wire; the texts of a `tuishare.errors.TuishareError`."""

    code: str
    title: str
    detail: str
    hint: str
