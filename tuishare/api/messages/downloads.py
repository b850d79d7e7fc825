"""Downloads: what clients see of them, and what they may ask for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, DownloadId, Fraction, LeftOut, Message, UnixTime
from tuishare.api.messages.links import Unanswered


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


class RenamedFile(Message, frozen=True, kw_only=True):
    """A file, or the payload itself, that has another name here, because the disk does not take its own.

    Attributes:
        name: its path as the sender has it; untrusted text.
        here: its path on this disk.
    """

    name: str
    here: str


class Download(Message, frozen=True, kw_only=True):
    """Something this agent receives.

    Attributes:
        id: of the download.
        sender: name in the user book, or empty while it is unknown.
        name: of the payload, or of the envelope while it is locked; untrusted text.
        size: of the payload, bytes.
        files: number of files.
        state: where it stands.
        progress: of the payload.
        rate_down: bytes per second.
        rate_up: bytes per second.
        eta: seconds until complete at the present rate, or None while that is unknown.
        peers: connected now.
        added: when the envelope was noticed, Unix seconds.
        path: of the payload, or of the envelope before that.
        detail: what is wrong, or empty.
        hint: what to do about it, or empty.
        note: of the sender; untrusted text.
        not_after: when the sender withdraws it, Unix seconds; 0: never.
        generation: 1, 2, ... as the sender changed content or recipients; 0 while it is locked.
        fingerprint: of the sender's card, base32; empty while it is unknown, or where a key takes its place.
        verified: a person compared that fingerprint.
        unanswered: nothing arrives because the sender's agent does not answer; None: it does, or that is unknown.
        again_at: when what failed is tried again, Unix seconds; 0: only by command.
        left_out: what the sender has and has not shared, by reason, as they say.
        renamed: number of files that have another name here.
        renamed_files: the first ones.
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
    added: UnixTime
    path: str
    detail: str = ""
    hint: str = ""
    note: str = ""
    not_after: UnixTime = 0
    generation: Count = 0
    fingerprint: str = ""
    verified: bool = False
    unanswered: Unanswered | None = None
    again_at: UnixTime = 0
    left_out: tuple[LeftOut, ...] = ()
    renamed: Count = 0
    renamed_files: tuple[RenamedFile, ...] = ()


class DownloadAction(StrEnum):
    """What a client can do with one download."""

    APPROVE = "approve"
    """Download what waits for approval, this once."""
    REJECT = "reject"
    """Reject what waits for approval, for good."""
    PAUSE = "pause"
    """Leave the swarm for now."""
    RESUME = "resume"
    """Continue; retry after a problem."""
    FORGET = "forget"
    """Stop: keep what was delivered, discard what was not. Take what was rejected off the list."""
    DELETE = "delete"
    """Stop and delete what was delivered."""


class FileChoice(Message, frozen=True, kw_only=True):
    """Which files of a download are wanted: all but these.

    Attributes:
        unwanted: their numbers, from 0, in the order of the torrent.
    """

    unwanted: Annotated[tuple[Count, ...], msgspec.Meta(max_length=10_000)]
