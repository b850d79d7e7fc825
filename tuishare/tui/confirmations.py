"""What is asked before something is lost: in plain words, naming it.

Owns which orders need a question, and its wording. Pure; every foreign text is cleaned here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tuishare.api.actions import DownloadAction, ShareAction
from tuishare.api.messages import DeliveryState, Download, DownloadState, Share, ShareState
from tuishare.presentation.formats import format_amount, format_count, format_percent
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.commands import Deed, DownloadDeed, FolderDeed, ShareCommand, name_entry, name_order

_SENDER: Final = 24
_LISTED: Final = 6  # names; more would push the answers out of sight at 24 lines
_LISTED_NAME: Final = 56
_PATH: Final = 112  # cells: two lines of the dialog, so that the answers below stay in sight


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A question that yes or no answers.

    Attributes:
        title: the verb.
        name: of what it is about; foreign text, not yet cut.
        facts: what that is, made safe.
        consequence: what follows from yes.
        yes: the word on the button that does it.
    """

    title: str
    name: str
    facts: tuple[str, ...]
    consequence: str
    yes: str


def ask_before(deeds: Sequence[Deed]) -> Confirmation | None:
    """Write the question that comes before one order for several entries; None where nothing is lost."""
    questions = [question for deed in deeds if (question := _ask_one(deed))]
    if len(deeds) == 1 or not questions:
        return questions[0] if questions else None
    number = f"{len(deeds):,} entries"
    names = tuple(fit(name_entry(deed), _LISTED_NAME) for deed in deeds[:_LISTED])
    more = (f"and {len(deeds) - _LISTED:,} more",) if len(deeds) > _LISTED else ()
    title = f"{questions[0].yes} {number}?"
    lost = _SEVERAL.get((type(deeds[0]), name_order(deeds[0])), questions[0].consequence)
    return Confirmation(title, number, (*names, *more), lost, questions[0].yes)


def _ask_one(deed: Deed) -> Confirmation | None:
    """Write the question that comes before an order; None for one that loses nothing."""
    match deed:
        case ShareCommand(share, ShareAction.DELETE):
            return Confirmation(
                "Delete this share and its files?", share.name, _share_facts(share), _DELETED, "Delete"
            )
        case ShareCommand(share, ShareAction.FORGET) if lacking := _count_lacking(share):
            return Confirmation(
                "Forget this share?", share.name, _share_facts(share), _cut_off(lacking), "Forget"
            )
        case DownloadDeed(download, DownloadAction.DELETE):
            lost = _DELETED_DOWNLOAD if download.progress >= 1 else _lost(download)
            return Confirmation(
                "Delete this download and its files?",
                download.name,
                _download_facts(download),
                lost,
                "Delete",
            )
        case DownloadDeed(download, DownloadAction.REJECT):
            return Confirmation(
                "Turn this away?", download.name, _download_facts(download), _REJECTED, "Turn away"
            )
        case DownloadDeed(download, DownloadAction.FORGET) if _can_lose(download):
            return Confirmation(
                "Stop this download?", download.name, _download_facts(download), _lost(download), "Stop"
            )
        case FolderDeed(place):
            users = ", ".join(map(clean, place.folder.users)) if place.folder else ""
            return Confirmation(
                "Give up this drop folder?", place.path, (f"for {users}",), _GIVEN_UP, "Give up"
            )
        case _:
            return None


_GIVEN_UP = "What lies in it stays on the disk and is shared no longer."
_DELETED_SEVERAL = "Their files are deleted from this disk for good."
_SEVERAL: Final = {
    (ShareCommand, "delete"): _DELETED_SEVERAL,
    (
        ShareCommand,
        "forget",
    ): "Who does not have all of them yet cannot get the rest any more. The files stay.",
    (DownloadDeed, "delete"): _DELETED_SEVERAL,
    (DownloadDeed, "reject"): "They are not downloaded, and the same are not taken again.",
    (DownloadDeed, "forget"): (
        "What has arrived of those that are not complete is discarded. The same is not taken again."
    ),
}
_DELETED = "The files are deleted from this disk for good. What others have downloaded stays theirs."
_DELETED_DOWNLOAD = "The downloaded files are deleted from this disk for good."
_REJECTED = "It is not downloaded, and the same is not taken again. The envelope moves to rejected."


def _can_lose(download: Download) -> bool:
    """Whether something of it may have arrived that forgetting it discards."""
    return download.progress < 1 and download.state is not DownloadState.REJECTED


def _lost(download: Download) -> str:
    return f"What has arrived so far ({format_percent(download.progress)}) is discarded. The same is not taken again."


def _cut_off(people: int) -> str:
    return f"{format_count(people, 'recipient')} cannot get the rest of it any more. The files stay on this disk."


def _count_lacking(share: Share) -> int:
    """Count those who would lose something if it were served no longer."""
    if share.state is ShareState.WITHDRAWN:
        return 0
    had = (DeliveryState.COMPLETE, DeliveryState.REVOKED)
    return sum(delivery.state not in had for delivery in share.deliveries)


def _share_facts(share: Share) -> tuple[str, ...]:
    return (_amount(share), fit(share.path, _PATH))


def _download_facts(download: Download) -> tuple[str, ...]:
    sender = f"from {fit(download.sender, _SENDER)}" if download.sender else "from somebody unknown"
    place = (fit(download.path, _PATH),) if download.progress >= 1 else ()
    return (f"{_amount(download)} · {sender}", *place)


def _amount(entry: Share | Download) -> str:
    return format_amount(entry.files, entry.size)
