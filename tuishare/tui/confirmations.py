"""Questions before a command that loses something.

Owns which commands need a question, and its wording. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tuishare.api.messages import Download, Share
from tuishare.presentation.consequences import (
    REMOVED_FOLDER,
    Question,
    question_about_download,
    question_about_share,
)
from tuishare.presentation.formats import format_amount
from tuishare.presentation.transfers import describe_origin
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.entry_commands import (
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
        case ShareCommand(share, action):
            return _make(question_about_share(share, action), share.name, _share_facts(share))
        case DownloadCommand(download, action):
            return _make(question_about_download(download, action), download.name, _download_facts(download))
        case FolderCommand(folder):
            users = ", ".join(map(clean, folder.drop.users)) if folder.drop else ""
            return Confirmation(
                "Remove this drop folder?", folder.path, (f"for {users}",), REMOVED_FOLDER, "Remove"
            )


def _make(question: Question | None, name: str, facts: tuple[str, ...]) -> Confirmation | None:
    if question is None:
        return None
    return Confirmation(question.title, name, facts, question.consequence, question.yes)


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


def _share_facts(share: Share) -> tuple[str, ...]:
    return (format_amount(share.files, share.size), fit(share.path, _PATH))


def _download_facts(download: Download) -> tuple[str, ...]:
    amount = format_amount(download.files, download.size)
    path = (fit(download.path, _PATH),) if download.progress >= 1 else ()
    return (f"{amount} · {fit(describe_origin(download), _ORIGIN)}", *path)
