"""The words for single states: of shares, downloads, drop folders, trust and network, and for kinds of activity.

Owns each word once. Every match names all members, so that a new one is an error of the type checker until it has its
word. Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from tuishare.api.messages import ActivityKind, DownloadState, FolderState, ShareState, Status, User, UserKind


class FolderRole(StrEnum):
    """What a folder is for; the value is the word for it."""

    DROP = "drop"
    INBOX = "inbox"
    OUTBOX = "outbox"
    DOWNLOADS = "downloads"


def name_share_state(state: ShareState) -> str:
    """Return the word for where a share stands."""
    match state:
        case ShareState.SETTLING:
            return "settling"
        case ShareState.HASHING:
            return "hashing"
        case ShareState.SEALING:
            return "sealing"
        case ShareState.SEEDING:
            return "seeding"
        case ShareState.PAUSED:
            return "paused"
        case ShareState.WITHDRAWN:
            return "withdrawn"
        case ShareState.PROBLEM:
            return "problem"
        case _:
            assert_never(state)


def name_download_state(state: DownloadState) -> str:
    """Return the word for where a download stands."""
    match state:
        case DownloadState.LOCKED:
            word = "locked"
        case DownloadState.WAITING:
            word = "needs approval"
        case DownloadState.QUEUED:
            word = "queued"
        case DownloadState.CHECKING:
            word = "checking"
        case DownloadState.DOWNLOADING:
            word = "downloading"
        case DownloadState.COMPLETE:
            word = "complete"
        case DownloadState.REJECTED:
            word = "rejected"
        case DownloadState.PAUSED:
            word = "paused"
        case DownloadState.PROBLEM:
            word = "problem"
        case _:
            assert_never(state)
    return word


def name_activity(kind: ActivityKind) -> str:
    """Return the words for a kind of activity, two at most."""
    match kind:
        case ActivityKind.SHARED:
            word = "shared"
        case ActivityKind.WITHDRAWN:
            word = "withdrawn"
        case ActivityKind.RECEIVED:
            word = "received"
        case ActivityKind.DELIVERED:
            word = "delivered"
        case ActivityKind.REVOKED:
            word = "revoked"
        case ActivityKind.RENEWED:
            word = "new tickets"
        case ActivityKind.ROTATED:
            word = "new keys"
        case ActivityKind.APPROVAL:
            word = "needs approval"
        case ActivityKind.REJECTED:
            word = "rejected"
        case ActivityKind.IGNORED:
            word = "left out"
        case ActivityKind.PROBLEM:
            word = "problem"
        case _:
            assert_never(kind)
    return word


def name_folder_state(state: FolderState) -> str:
    """Return the word for how a drop folder is watched."""
    match state:
        case FolderState.WATCHING:
            return "watching"
        case FolderState.POLLING:
            return "polling"
        case FolderState.MISSING:
            return "missing"
        case FolderState.UNWATCHED:
            return "unwatched"
        case _:
            assert_never(state)


def explain_folder_state(state: FolderState) -> str:
    """Return a sentence on what it means for a drop folder to be watched in this way."""
    match state:
        case FolderState.WATCHING:
            return "Every change is noticed at once."
        case FolderState.POLLING:
            return "Scanned periodically: this file system sends no change events."
        case FolderState.MISSING:
            return "This folder does not exist. Create it again, or remove it from the settings."
        case FolderState.UNWATCHED:
            return "No agent runs, so changes are not noticed."
        case _:
            assert_never(state)


def explain_folder_role(role: FolderRole) -> str:
    """Return a sentence on what a folder of the agent is for."""
    match role:
        case FolderRole.DROP:
            return "Files and folders that you put here are shared automatically."
        case FolderRole.INBOX:
            return "Put received envelopes (NAME.torrent.encrypted) here."
        case FolderRole.OUTBOX:
            return "Envelopes (NAME.torrent.encrypted) for your recipients appear here; send them on."
        case FolderRole.DOWNLOADS:
            return "Received files are stored here."
        case _:
            assert_never(role)


def name_trust(*, verified: bool) -> str:
    """Return whether the fingerprint of a card was compared."""
    return "verified" if verified else "not verified"


def describe_trust(user: User) -> str:
    """Return how far a user is trusted."""
    match user.kind:
        case UserKind.KEY:
            return "shared key"
        case UserKind.CARD:
            return name_trust(verified=user.verified)
        case _:
            assert_never(user.kind)


def describe_reachability(reachable: bool | None) -> str:
    """Return whether others can connect from outside, as far as the agent knows."""
    if reachable is None:
        return "unknown"
    return "reachable" if reachable else "not reachable"


def describe_transport(transport: str) -> str:
    """Return what kind of swarm it is."""
    return "TLS" if transport == "tls" else f"{transport}, not encrypted"


def find_tls_problem(status: Status) -> str:
    """Return what is wrong with TLS here; empty when nothing is."""
    if not status.tls_ready:
        return "no TLS"
    return "" if status.no_resumption else "TLS tickets"
