"""The names of states: of shares, downloads, drop folders, trust and network, and of kinds of activity.

Owns each name once. Every match names all members, so that a new one is an error of the type checker until it has a
name. Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, assert_never

from tuishare.api.messages import (
    ActivityKind,
    DownloadState,
    FolderState,
    Introduction,
    PollReason,
    ShareState,
    Status,
    User,
    UserKind,
    UserOrigin,
)
from tuishare.presentation.formats import format_count

ENVELOPE_EXPLAINED: Final = "An envelope is the file NAME.torrent.encrypted."
"""Shown once per screen where envelopes are mentioned."""


class FolderRole(StrEnum):
    """What the agent uses a folder for; the value is its name on screen."""

    DROP = "drop"
    INBOX = "inbox"
    OUTBOX = "outbox"
    DOWNLOADS = "downloads"


def name_share_state(state: ShareState) -> str:
    """Return the name of a share's state."""
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
    """Return the name of a download's state."""
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
    """Return the name of a kind of activity, two words at most."""
    match kind:
        case (
            ActivityKind.SHARED
            | ActivityKind.WITHDRAWN
            | ActivityKind.RECEIVED
            | ActivityKind.DELIVERED
            | ActivityKind.REVOKED
            | ActivityKind.INTRODUCED
            | ActivityKind.REJECTED
            | ActivityKind.PROBLEM
        ):
            word = kind.value
        case ActivityKind.HANDED_OVER:
            word = "handed over"
        case ActivityKind.RENEWED:
            word = "new tickets"
        case ActivityKind.ROTATED:
            word = "new keys"
        case ActivityKind.JOINED:
            word = "joined"
        case ActivityKind.APPROVAL:
            word = "needs approval"
        case ActivityKind.IGNORED:
            word = "left out"
        case _:
            assert_never(kind)
    return word


def name_folder_state(state: FolderState) -> str:
    """Return the name of a drop folder's state."""
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


def explain_folder_state(state: FolderState, poll_reason: PollReason | None = None) -> str:
    """Return a sentence that explains the state of a drop folder, and why it is polled, if it is."""
    match state:
        case FolderState.WATCHING:
            return "Changes are noticed at once."
        case FolderState.POLLING:
            return f"Scanned every few seconds: {explain_poll_reason(poll_reason)}."
        case FolderState.MISSING:
            return "This folder does not exist. Create it again, or remove it from the settings."
        case FolderState.UNWATCHED:
            return "No agent is running, so changes are not noticed."
        case _:
            assert_never(state)


def explain_poll_reason(reason: PollReason | None) -> str:
    """Return a clause that says why a folder is polled."""
    match reason:
        case PollReason.FEW_WATCHES:
            return "the system allows too few inotify watches"
        case PollReason.OTHER_MACHINES:
            return "others may change this file system unnoticed"
        case PollReason.NO_EVENTS | None:
            return "this file system sends no change events"
        case _:
            assert_never(reason)


def explain_folder_role(role: FolderRole) -> str:
    """Return a sentence that explains what a folder of the agent is for."""
    match role:
        case FolderRole.DROP:
            return "Files and folders that you put here are shared automatically."
        case FolderRole.INBOX:
            return "Put envelopes here that came by hand; those that come by link are here by themselves."
        case FolderRole.OUTBOX:
            return "Envelopes that no link has handed over wait here: send them on."
        case FolderRole.DOWNLOADS:
            return "Received files are stored here."
        case _:
            assert_never(role)


def explain_others(status: Status) -> str:
    """Return how many files in the inbox are left alone; empty if there are none."""
    if not status.inbox_others:
        return ""
    return f"{format_count(status.inbox_others, 'other file')} in it, not taken: no envelope by its content"


def name_trust(*, verified: bool) -> str:
    """Return the name of a card's trust: whether its fingerprint was compared."""
    return "verified" if verified else "not verified"


def describe_trust(user: User) -> str:
    """Return the name of a user's trust, two words at most."""
    match user.kind:
        case UserKind.KEY:
            return "shared key"
        case UserKind.CARD if user.introduced_by and not user.verified:
            return "introduced"
        case UserKind.CARD:
            return name_trust(verified=user.verified)
        case _:
            assert_never(user.kind)


def describe_user_origin(user: User) -> str:
    """Return how a user became known."""
    if user.kind is UserKind.KEY:
        return "shared key"
    match user.origin:
        case UserOrigin.BY_HAND:
            return "card by hand"
        case UserOrigin.COMPARED:
            return "compared in person"
        case UserOrigin.INVITED:
            return "invited"
        case UserOrigin.INTRODUCED:
            return f"introduced by {user.introduced_by}"
        case _:
            assert_never(user.origin)


def describe_approval(user: User) -> str:
    """Return whether what an introduced user sends waits; empty for any other user."""
    if user.origin is not UserOrigin.INTRODUCED:
        return ""
    return "what they send needs no approval" if user.admitted else "what they send waits for your approval"


def describe_introduction(introduction: Introduction) -> str:
    """Return who introduces whom, one clause; untrusted text."""
    group = f" (in {introduction.group})" if introduction.group else ""
    return f"{introduction.introducer} introduces {introduction.name}{group}"


def describe_reachability(reachable: bool | None) -> str:
    """Return whether peers can connect from outside, as far as the agent knows."""
    if reachable is None:
        return "unknown"
    return "reachable" if reachable else "not reachable"


def name_way(*, by_hub: bool) -> str:
    """Return which way the bytes of a connection go."""
    return "by hub" if by_hub else "direct"


def describe_transport(transport: str) -> str:
    """Return the name of a kind of swarm."""
    return "TLS" if transport == "tls" else f"{transport}, not encrypted"


def find_tls_problem(status: Status) -> str:
    """Return what is wrong with TLS on this machine; empty when nothing is."""
    if not status.tls_ready:
        return "no TLS"
    return "" if status.no_resumption else "TLS tickets"
