"""The commands of the dashboard, and which of them an entry offers in its state.

Owns the choice. Pure; the agent decides whether a command can be carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from tuishare.api.messages import (
    Download,
    DownloadAction,
    DownloadState,
    DropNamed,
    Share,
    ShareAction,
    ShareState,
)
from tuishare.api.service import AgentService
from tuishare.presentation.actions import announce_action
from tuishare.tui.cell_text import fit
from tuishare.tui.row_models import AgentFolder

_NAME: Final = 40
REMOVE: Final = "remove"
"""The only command for a drop folder."""

_ENDING: Final = frozenset({ShareAction.FORGET, ShareAction.DELETE})
_SHARE_OFFERS: Final = {
    # Until these are done, the agent refuses every command.
    ShareState.SETTLING: frozenset[ShareAction](),
    ShareState.HASHING: frozenset[ShareAction](),
    ShareState.SEALING: frozenset[ShareAction](),
    ShareState.SEEDING: _ENDING | {ShareAction.PAUSE, ShareAction.AGAIN},
    ShareState.PAUSED: _ENDING | {ShareAction.RESUME, ShareAction.AGAIN},
    ShareState.WITHDRAWN: _ENDING | {ShareAction.AGAIN},
    ShareState.PROBLEM: _ENDING | {ShareAction.RESUME, ShareAction.AGAIN},
}
_STOPPING: Final = frozenset({DownloadAction.FORGET, DownloadAction.DELETE})
_DOWNLOAD_OFFERS: Final = {
    DownloadState.LOCKED: frozenset[DownloadAction](),
    DownloadState.REJECTED: frozenset({DownloadAction.FORGET}),
    DownloadState.WAITING: frozenset({DownloadAction.APPROVE, DownloadAction.REJECT}),
    DownloadState.QUEUED: _STOPPING | {DownloadAction.PAUSE},
    DownloadState.CHECKING: _STOPPING | {DownloadAction.PAUSE},
    DownloadState.DOWNLOADING: _STOPPING | {DownloadAction.PAUSE},
    DownloadState.COMPLETE: _STOPPING | {DownloadAction.PAUSE},
    DownloadState.PAUSED: _STOPPING | {DownloadAction.RESUME},
    DownloadState.PROBLEM: _STOPPING | {DownloadAction.RESUME},
}
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


@dataclass(frozen=True, slots=True)
class ShareCommand:
    """An action on a share, as the share was shown when the user chose it."""

    entry: Share
    action: ShareAction


@dataclass(frozen=True, slots=True)
class DownloadCommand:
    """An action on a download, as the download was shown when the user chose it."""

    entry: Download
    action: DownloadAction


@dataclass(frozen=True, slots=True)
class FolderCommand:
    """The removal of a drop folder."""

    entry: AgentFolder


Command = ShareCommand | DownloadCommand | FolderCommand
"""An action and its entry."""


def offer_for_share(share: Share) -> dict[str, Command]:
    """Return the commands that a share offers now, by action."""
    if not share.generation:  # not a share yet: an entry of a drop folder
        return {}
    return {action.value: ShareCommand(share, action) for action in _SHARE_OFFERS[share.state]}


def offer_for_download(download: Download) -> dict[str, Command]:
    """Return the commands that a download offers now, by action."""
    return {action.value: DownloadCommand(download, action) for action in _DOWNLOAD_OFFERS[download.state]}


def can_choose(download: Download) -> bool:
    """Return whether files of a download can be left out: not once all of them have arrived."""
    return download.files > 1 and download.state in _CHOOSABLE and download.progress < 1


def offer_for_folder(folder: AgentFolder) -> dict[str, Command]:
    """Return the commands that a folder offers: a drop folder can be removed."""
    return {} if folder.drop is None else {REMOVE: FolderCommand(folder)}


def name_action(command: Command) -> str:
    """Return the name of a command's action."""
    return REMOVE if isinstance(command, FolderCommand) else command.action.value


def name_entry(command: Command) -> str:
    """Return the name of a command's entry; untrusted text."""
    return command.entry.path if isinstance(command, FolderCommand) else command.entry.name


async def send(agent: AgentService, command: Command) -> None:
    """Send a command to the agent.

    Raises:
        TuishareError: the agent refused it, or no agent answers.
    """
    match command:
        case ShareCommand(share, action):
            await agent.order_share(share.id, action)
        case DownloadCommand(download, action):
            await agent.order_download(download.id, action)
        case FolderCommand(folder):
            await agent.remove_drop(DropNamed(path=folder.path))
        case _:
            assert_never(command)


def announce(commands: Sequence[Command]) -> str:
    """Return the notification for commands that are sent, all of one kind."""
    first, number = commands[0], len(commands)
    about = f"“{fit(name_entry(first), _NAME)}”" if number == 1 else f"{number:,} entries"
    if isinstance(first, FolderCommand):
        return f"Removing the drop folder {about} …"
    return announce_action(first.action, about)
