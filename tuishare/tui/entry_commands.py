"""The commands of the dashboard: an action together with the entry that it is about.

Owns what an entry offers, and how a command is sent. The agent decides whether it can be carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from tuishare.api.messages import (
    Download,
    DownloadAction,
    DropNamed,
    Share,
    ShareAction,
)
from tuishare.api.service import AgentService
from tuishare.presentation.actions import announce_action, download_actions, share_actions
from tuishare.presentation.row_models import AgentFolder
from tuishare.tui.cell_text import fit

_NAME: Final = 40
REMOVE: Final = "remove"
"""The only command for a drop folder."""


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
    return {action.value: ShareCommand(share, action) for action in share_actions(share)}


def offer_for_download(download: Download) -> dict[str, Command]:
    """Return the commands that a download offers now, by action."""
    return {action.value: DownloadCommand(download, action) for action in download_actions(download)}


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
