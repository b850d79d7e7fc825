"""The actions on shares and downloads as users meet them: words, command, key, and the states that offer them.

Owns the table from which the command line and the dashboard are made. Pure; names in the result are untrusted text.
The agent decides whether an action can be carried out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from tuishare.api.messages import Download, DownloadAction, DownloadState, Share, ShareAction, ShareState

Action = ShareAction | DownloadAction
"""An action on one share or download."""


@dataclass(frozen=True, slots=True)
class ActionKey:
    """A key of the dashboard.

    Attributes:
        name: as Textual calls it.
        label: for the footer.
        tooltip: for the list of keys; empty where another action with this key has it.
    """

    name: str
    label: str
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class ActionText:
    """One action in words.

    Attributes:
        begins: the text for an action that begins, with ``{}`` for the entry: ``Pausing {}``.
        done: the text for an action that the agent has accepted: ``Paused {}``.
        help: of its command, which has the action's name.
        key: in the dashboard.
        ends: whether the entry is gone afterwards; such actions are listed last.
    """

    begins: str
    done: str
    help: str
    key: ActionKey
    ends: bool = False


def describe_action(action: Action) -> ActionText:
    """Return an action in words."""
    match action:
        case ShareAction.PAUSE | DownloadAction.PAUSE:
            return ActionText(
                *("Pausing {}", "Paused {}", "Pause seeding or downloading, also after a restart."),
                key=ActionKey("space", "Pause", "pause or resume"),
            )
        case ShareAction.RESUME | DownloadAction.RESUME:
            return ActionText(
                *("Resuming {}", "Resumed {}", "Resume paused entries; retry those with a problem."),
                key=ActionKey("space", "Resume"),
            )
        case ShareAction.AGAIN:
            return ActionText(
                *("Sharing {} again", "Sharing {} again"),
                "Share again: a new version with a new envelope, NAME.torrent.encrypted.",
                key=ActionKey("s", "Again", "share again, as it is now"),
            )
        case ShareAction.FORGET | DownloadAction.FORGET:
            return ActionText(
                *("Forgetting {}", "Forgot {}"),
                "Stop sharing or downloading; complete files stay. Removes rejected downloads from the list.",
                key=ActionKey("f", "Forget", "forget; the files stay"),
                ends=True,
            )
        case ShareAction.DELETE | DownloadAction.DELETE:
            return ActionText(
                *("Deleting {}", "Deleted {}", "Stop sharing or downloading, and delete the files."),
                key=ActionKey("D", "Delete", "delete with its files"),
                ends=True,
            )
        case DownloadAction.APPROVE:
            return ActionText(
                *("Approving {}", "Approved {}", "Approve a waiting download, this once."),
                key=ActionKey("a", "Approve", "approve a download"),
            )
        case DownloadAction.REJECT:
            return ActionText(
                *("Rejecting {}", "Rejected {}", "Reject a waiting download permanently."),
                key=ActionKey("x", "Reject", "reject a download"),
            )
        case _:
            assert_never(action)


def announce_action(action: Action, what: str) -> str:
    """Return the text for an action that begins: ``Pausing “x” …``."""
    return f"{describe_action(action).begins.format(what)} …"


def report_action(action: Action, what: str) -> str:
    """Return the text for an action that the agent has accepted: ``Paused “x”.``."""
    return f"{describe_action(action).done.format(what)}."


_SHARED: Final = frozenset({ShareState.SEEDING, ShareState.PAUSED, ShareState.WITHDRAWN, ShareState.PROBLEM})
"""Until a share is settled, hashed and sealed, the agent refuses every action."""
_ARRIVING: Final = frozenset({DownloadState.QUEUED, DownloadState.CHECKING, DownloadState.DOWNLOADING})
_CHOOSABLE: Final = frozenset(
    {
        DownloadState.WAITING,
        DownloadState.QUEUED,
        DownloadState.CHECKING,
        DownloadState.DOWNLOADING,
        DownloadState.PAUSED,
        DownloadState.PROBLEM,
    }
)
_BEGUN: Final = _ARRIVING | {DownloadState.COMPLETE, DownloadState.PAUSED, DownloadState.PROBLEM}


def offering_share_states(action: ShareAction) -> frozenset[ShareState]:
    """Return the states in which a share offers an action."""
    match action:
        case ShareAction.PAUSE:
            return frozenset({ShareState.SEEDING})
        case ShareAction.RESUME:
            return frozenset({ShareState.PAUSED, ShareState.PROBLEM})
        case ShareAction.AGAIN | ShareAction.FORGET | ShareAction.DELETE:
            return _SHARED
        case _:
            assert_never(action)


def offering_download_states(action: DownloadAction) -> frozenset[DownloadState]:
    """Return the states in which a download offers an action."""
    match action:
        case DownloadAction.PAUSE:
            return _ARRIVING | {DownloadState.COMPLETE}
        case DownloadAction.RESUME:
            return frozenset({DownloadState.PAUSED, DownloadState.PROBLEM})
        case DownloadAction.APPROVE | DownloadAction.REJECT:
            return frozenset({DownloadState.WAITING})
        case DownloadAction.FORGET:
            return _BEGUN | {DownloadState.REJECTED}
        case DownloadAction.DELETE:
            return _BEGUN
        case _:
            assert_never(action)


def share_actions(share: Share) -> Iterable[ShareAction]:
    """Return the actions that a share offers now; none while it is only an entry of a drop folder."""
    return (
        action for action in ShareAction if share.generation and share.state in offering_share_states(action)
    )


def download_actions(download: Download) -> Iterable[DownloadAction]:
    """Return the actions that a download offers now."""
    return (action for action in DownloadAction if download.state in offering_download_states(action))


def can_choose(download: Download) -> bool:
    """Return whether files of a download can be left out: not once all of them have arrived."""
    return download.files > 1 and download.state in _CHOOSABLE and download.progress < 1
