"""What is lost or ends by an action, and the question before it.

Owns which actions on shares and downloads need a question, and the wording. Pure; no name is in the result.
"""

from __future__ import annotations

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
from tuishare.presentation.formats import format_count, format_percent

REVOKE_DOES: Final = (
    "Revoked recipients get no new connections and no peers from the tracker, and live connections are cut. The other "
    "recipients get new tickets: send them the new envelope of each share (the file NAME.torrent.encrypted in the "
    "outbox)."
)
"""What revoking does."""
REVOKE_CANNOT: Final = (
    "Revoking cannot recall data: what was downloaded stays with the recipients, and so do copies of it."
)
"""What it cannot do."""
USER_REMOVED: Final = (
    "They are removed from your users: nothing new is shared with them, and what they send is rejected."
)
"""What happens when a user is removed."""
KEY_REPLACED: Final = (
    "A new key replaces their current one at once; they need it to open what you share from then on."
)
"""What happens when the key of a user is replaced."""
KEYS_REPLACED: Final = (
    "You get a new card. Your shares are sealed and signed again: send their recipients the new envelopes (each the "
    "file NAME.torrent.encrypted in the outbox). Their agents accept the new card because the old one signs it; send "
    "it to them as well. You can still open what was sealed for your old card. Open invitations of yours are of no use "
    "any more."
)
"""What happens when the agent's own keys are replaced."""
KEYS_STOLEN: Final = (
    "If your old keys were stolen, the thief can sign a new card as well: give others yours in person."
)
"""What that does not help against."""
REMOVED_FOLDER: Final = "Its files stay on disk but are no longer shared."
"""What happens when a drop folder is removed."""
_DELETED: Final = "The files are deleted from this disk for good. Recipients keep what they have downloaded."
_DELETED_DOWNLOAD: Final = "The downloaded files are deleted from this disk for good."
_REJECTED: Final = (
    "It is not downloaded, and the same version is not accepted again. "
    "Its envelope (the file NAME.torrent.encrypted) moves to the folder “rejected”."
)


@dataclass(frozen=True, slots=True)
class Question:
    """A yes-or-no question.

    Attributes:
        title: the question.
        consequence: what happens on yes.
        yes: label of the button that confirms.
    """

    title: str
    consequence: str
    yes: str


def question_about_share(share: Share, action: ShareAction) -> Question | None:
    """Return the question before an action on a share; None where nothing is lost."""
    match action:
        case ShareAction.DELETE:
            return Question("Delete this share and its files?", _DELETED, "Delete")
        case ShareAction.FORGET if lacking := _count_lacking(share):
            return Question("Forget this share?", _cut_off(lacking), "Forget")
        case _:
            return None


def question_about_download(download: Download, action: DownloadAction) -> Question | None:
    """Return the question before an action on a download; None where nothing is lost."""
    match action:
        case DownloadAction.DELETE:
            lost = _DELETED_DOWNLOAD if download.progress >= 1 else _lost(download)
            return Question("Delete this download and its files?", lost, "Delete")
        case DownloadAction.REJECT:
            return Question("Reject this download?", _REJECTED, "Reject")
        case DownloadAction.FORGET if _can_lose(download):
            return Question("Forget this download?", _lost(download), "Forget")
        case _:
            return None


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
