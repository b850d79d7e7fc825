"""The wording of actions on shares and downloads: as they begin, and once the agent has accepted them.

Pure; names in the result are untrusted text.
"""

from __future__ import annotations

from typing import assert_never

from tuishare.api.messages import DownloadAction, ShareAction

Action = ShareAction | DownloadAction
"""An action on one share or download."""


def announce_action(action: Action, what: str) -> str:
    """Return the text for an action that begins: ``Pausing “x” …``."""
    match action:
        case ShareAction.PAUSE | DownloadAction.PAUSE:
            words = f"Pausing {what}"
        case ShareAction.RESUME | DownloadAction.RESUME:
            words = f"Resuming {what}"
        case ShareAction.AGAIN:
            words = f"Sharing {what} again"
        case ShareAction.FORGET | DownloadAction.FORGET:
            words = f"Forgetting {what}"
        case ShareAction.DELETE | DownloadAction.DELETE:
            words = f"Deleting {what}"
        case DownloadAction.APPROVE:
            words = f"Approving {what}"
        case DownloadAction.REJECT:
            words = f"Rejecting {what}"
        case _:
            assert_never(action)
    return f"{words} …"


def report_action(action: Action, what: str) -> str:
    """Return the text for an action that the agent has accepted: ``Paused “x”.``."""
    match action:
        case ShareAction.PAUSE | DownloadAction.PAUSE:
            words = f"Paused {what}"
        case ShareAction.RESUME | DownloadAction.RESUME:
            words = f"Resumed {what}"
        case ShareAction.AGAIN:
            words = f"Sharing {what} again"
        case ShareAction.FORGET | DownloadAction.FORGET:
            words = f"Forgot {what}"
        case ShareAction.DELETE | DownloadAction.DELETE:
            words = f"Deleted {what}"
        case DownloadAction.APPROVE:
            words = f"Approved {what}"
        case DownloadAction.REJECT:
            words = f"Rejected {what}"
        case _:
            assert_never(action)
    return f"{words}."
