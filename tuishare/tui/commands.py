"""What can be ordered from the dashboard, and which of it fits an entry as it is now.

Owns the choice and its wording. Pure; whether an order can really be carried out, the agent decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from tuishare.api.actions import DownloadAction, ShareAction
from tuishare.api.messages import Download, DownloadState, Share, ShareState
from tuishare.tui.agent_api import AgentApi
from tuishare.tui.cell_text import fit
from tuishare.tui.row_models import AgentFolder

Order = ShareAction | DownloadAction

_NAME: Final = 40
REMOVE: Final = "remove"
"""The one order for a drop folder."""

_ENDING: Final = frozenset({ShareAction.FORGET, ShareAction.DELETE})
_SHARE_OFFERS: Final = {
    # Being written or in the agent's hands: all that it would say is “not now”.
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
    """What is to be done with a share, as it was shown when that was chosen."""

    entry: Share
    order: ShareAction


@dataclass(frozen=True, slots=True)
class DownloadDeed:
    """What is to be done with a download, as it was shown when that was chosen."""

    entry: Download
    order: DownloadAction


@dataclass(frozen=True, slots=True)
class FolderDeed:
    """A drop folder is to be one no longer."""

    entry: AgentFolder


Deed = ShareCommand | DownloadDeed | FolderDeed
"""An order and what it is about."""


def offer_for_share(share: Share) -> dict[str, Deed]:
    """Say what can be ordered of a share now, by the order's word."""
    if not share.generation:  # the agent knows it as an entry of a folder only
        return {}
    return {order.value: ShareCommand(share, order) for order in _SHARE_OFFERS[share.state]}


def offer_for_download(download: Download) -> dict[str, Deed]:
    """Say what can be ordered of a download now, by the order's word."""
    return {order.value: DownloadDeed(download, order) for order in _DOWNLOAD_OFFERS[download.state]}


def can_choose(download: Download) -> bool:
    """Return whether files of a download can be left out now: not once all of it has arrived."""
    return download.files > 1 and download.state in _CHOOSABLE and download.progress < 1


def offer_for_place(place: AgentFolder) -> dict[str, Deed]:
    """Say what can be ordered of a folder: a drop folder can be given up."""
    return {} if place.folder is None else {REMOVE: FolderDeed(place)}


def name_order(deed: Deed) -> str:
    """Give the order's word."""
    return REMOVE if isinstance(deed, FolderDeed) else deed.order.value


def name_entry(deed: Deed) -> str:
    """Give the name of what it is about; foreign text."""
    return deed.entry.path if isinstance(deed, FolderDeed) else deed.entry.name


async def send(agent: AgentApi, deed: Deed) -> None:
    """Give an order.

    Raises:
        TuishareError: what the agent said instead of taking it, or that there is none.
    """
    match deed:
        case ShareCommand(share, order):
            await agent.order_share(share.id, order)
        case DownloadDeed(download, order):
            await agent.order_download(download.id, order)
        case FolderDeed(place):
            await agent.remove_drop(place.path)
        case _:
            assert_never(deed)


def tell(deeds: Sequence[Deed]) -> str:
    """Say what the agent is being asked to do; all of one kind."""
    one = f"“{fit(name_entry(deeds[0]), _NAME)}”"
    about = one if len(deeds) == 1 else f"{len(deeds):,} entries"
    return f"Asked the agent to {_PHRASES[name_order(deeds[0])](about)}."


_PHRASES: Final[dict[str, Callable[[str], str]]] = {
    "pause": "pause {}".format,
    "resume": "go on with {}".format,
    "again": "share {} again".format,
    "forget": "forget {}".format,
    "delete": "delete {}".format,
    "approve": "download {}".format,
    "reject": "turn {} away".format,
    "remove": "give up the folder {}".format,
}
