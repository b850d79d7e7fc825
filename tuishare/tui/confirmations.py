"""Questions before a command that loses something.

Owns which commands need a question, and its wording. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tuishare.api.messages import (
    DeliveryState,
    Download,
    DownloadAction,
    DownloadState,
    Share,
    ShareAction,
    ShareState,
)
from tuishare.presentation.formats import format_amount, format_count, format_percent
from tuishare.presentation.transfers import describe_origin
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.commands import (
    Command,
    DownloadCommand,
    FolderCommand,
    ShareCommand,
    name_action,
    name_entry,
)

_ORIGIN: Final = 29
_LISTED: Final = 6  # names; more would push the buttons out of sight at 24 lines
_LISTED_NAME: Final = 56
_PATH: Final = 112  # cells: two lines of the dialog, so that the buttons stay in sight


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A yes-or-no question.

    Attributes:
        title: the question.
        name: of the entry; untrusted text, not yet cut.
        facts: about the entry, made safe.
        consequence: what happens on yes.
        yes: label of the button that confirms.
    """

    title: str
    name: str
    facts: tuple[str, ...]
    consequence: str
    yes: str


def confirm(commands: Sequence[Command]) -> Confirmation | None:
    """Return the question before commands of one kind; None where nothing is lost."""
    questions = [question for command in commands if (question := _confirm_one(command))]
    if len(commands) == 1 or not questions:
        return questions[0] if questions else None
    number = f"{len(commands):,} entries"
    names = tuple(fit(name_entry(command), _LISTED_NAME) for command in commands[:_LISTED])
    more = (f"and {len(commands) - _LISTED:,} more",) if len(commands) > _LISTED else ()
    first, question = commands[0], questions[0]
    lost = _SEVERAL.get((type(first), name_action(first)), question.consequence)
    return Confirmation(f"{question.yes} {number}?", number, (*names, *more), lost, question.yes)


def _confirm_one(command: Command) -> Confirmation | None:
    match command:
        case ShareCommand(share, ShareAction.DELETE):
            return Confirmation(
                "Delete this share and its files?", share.name, _share_facts(share), _DELETED, "Delete"
            )
        case ShareCommand(share, ShareAction.FORGET) if lacking := _count_lacking(share):
            return Confirmation(
                "Forget this share?", share.name, _share_facts(share), _cut_off(lacking), "Forget"
            )
        case DownloadCommand(download, DownloadAction.DELETE):
            lost = _DELETED_DOWNLOAD if download.progress >= 1 else _lost(download)
            facts = _download_facts(download)
            return Confirmation("Delete this download and its files?", download.name, facts, lost, "Delete")
        case DownloadCommand(download, DownloadAction.REJECT):
            return Confirmation(
                "Reject this download?", download.name, _download_facts(download), _REJECTED, "Reject"
            )
        case DownloadCommand(download, DownloadAction.FORGET) if _can_lose(download):
            return Confirmation(
                "Forget this download?", download.name, _download_facts(download), _lost(download), "Forget"
            )
        case FolderCommand(folder):
            users = ", ".join(map(clean, folder.drop.users)) if folder.drop else ""
            return Confirmation(
                "Remove this drop folder?", folder.path, (f"for {users}",), REMOVED_FOLDER, "Remove"
            )
        case _:
            return None


REMOVED_FOLDER: Final = "Its files stay on disk but are no longer shared."
"""What happens when a drop folder is removed."""

_DELETED_SEVERAL = "Their files are deleted from this disk for good."
_SEVERAL: Final = {
    (ShareCommand, "delete"): _DELETED_SEVERAL,
    (ShareCommand, "forget"): (
        "Recipients who do not have all of them yet can no longer get the rest. The files stay on this disk."
    ),
    (DownloadCommand, "delete"): _DELETED_SEVERAL,
    (DownloadCommand, "reject"): "They are not downloaded, and the same versions are not accepted again.",
    (DownloadCommand, "forget"): (
        "What has arrived of incomplete downloads is discarded, and the same versions are not accepted again."
    ),
}
_DELETED = "The files are deleted from this disk for good. Recipients keep what they have downloaded."
_DELETED_DOWNLOAD = "The downloaded files are deleted from this disk for good."
_REJECTED = (
    "It is not downloaded, and the same version is not accepted again. "
    "Its envelope (the file NAME.torrent.encrypted) moves to the folder “rejected”."
)


def _can_lose(download: Download) -> bool:
    """Return whether forgetting a download may discard data that has arrived."""
    return download.progress < 1 and download.state is not DownloadState.REJECTED


def _lost(download: Download) -> str:
    arrived = format_percent(download.progress)
    return f"What has arrived so far ({arrived}) is discarded, and the same version is not accepted again."


def _cut_off(recipients: int) -> str:
    return f"{format_count(recipients, 'recipient')} can no longer get the rest. The files stay on this disk."


def _count_lacking(share: Share) -> int:
    """Count the recipients who could no longer complete a share if its seeding ended."""
    if share.state is ShareState.WITHDRAWN:
        return 0
    had = (DeliveryState.COMPLETE, DeliveryState.REVOKED)
    return sum(delivery.state not in had for delivery in share.deliveries)


def _share_facts(share: Share) -> tuple[str, ...]:
    return (format_amount(share.files, share.size), fit(share.path, _PATH))


def _download_facts(download: Download) -> tuple[str, ...]:
    amount = format_amount(download.files, download.size)
    path = (fit(download.path, _PATH),) if download.progress >= 1 else ()
    return (f"{amount} · {fit(describe_origin(download), _ORIGIN)}", *path)
