"""What can be ordered from the dashboard, and which of it fits an entry as it is now.

Owns the choice and its wording. Pure; whether an order can really be carried out, the agent decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from tuishare.api.messages import Download, DownloadState, Share, ShareState
from tuishare.api.orders import DownloadOrder, ShareOrder
from tuishare.tui.agent import Agent
from tuishare.tui.formats import fit

Order = ShareOrder | DownloadOrder

_NAME: Final = 40
_ENDING: Final = frozenset({ShareOrder.FORGET, ShareOrder.DELETE})
_SHARE_OFFERS: Final = {
    # Being written or in the agent's hands: all that it would say is “not now”.
    ShareState.SETTLING: frozenset[ShareOrder](),
    ShareState.HASHING: frozenset[ShareOrder](),
    ShareState.SEALING: frozenset[ShareOrder](),
    ShareState.SEEDING: _ENDING | {ShareOrder.PAUSE, ShareOrder.AGAIN},
    ShareState.PAUSED: _ENDING | {ShareOrder.RESUME, ShareOrder.AGAIN},
    ShareState.WITHDRAWN: _ENDING | {ShareOrder.AGAIN},
    ShareState.PROBLEM: _ENDING | {ShareOrder.RESUME, ShareOrder.AGAIN},
}
_STOPPING: Final = frozenset({DownloadOrder.FORGET, DownloadOrder.DELETE})
_DOWNLOAD_OFFERS: Final = {
    DownloadState.LOCKED: frozenset[DownloadOrder](),
    DownloadState.REJECTED: frozenset[DownloadOrder](),
    DownloadState.WAITING: frozenset({DownloadOrder.APPROVE, DownloadOrder.REJECT}),
    DownloadState.QUEUED: _STOPPING | {DownloadOrder.PAUSE},
    DownloadState.CHECKING: _STOPPING | {DownloadOrder.PAUSE},
    DownloadState.DOWNLOADING: _STOPPING | {DownloadOrder.PAUSE},
    DownloadState.COMPLETE: _STOPPING | {DownloadOrder.PAUSE},
    DownloadState.PAUSED: _STOPPING | {DownloadOrder.RESUME},
    DownloadState.PROBLEM: _STOPPING | {DownloadOrder.RESUME},
}


@dataclass(frozen=True, slots=True)
class ShareDeed:
    """What is to be done with a share, as it was shown when that was chosen."""

    entry: Share
    order: ShareOrder


@dataclass(frozen=True, slots=True)
class DownloadDeed:
    """What is to be done with a download, as it was shown when that was chosen."""

    entry: Download
    order: DownloadOrder


Deed = ShareDeed | DownloadDeed
"""An order and what it is about."""


def offer_for_share(share: Share) -> dict[str, Deed]:
    """Say what can be ordered of a share now, by the order's word."""
    if not share.generation:  # the agent knows it as an entry of a folder only
        return {}
    return {order.value: ShareDeed(share, order) for order in _SHARE_OFFERS[share.state]}


def offer_for_download(download: Download) -> dict[str, Deed]:
    """Say what can be ordered of a download now, by the order's word."""
    return {order.value: DownloadDeed(download, order) for order in _DOWNLOAD_OFFERS[download.state]}


async def send(agent: Agent, deed: Deed) -> None:
    """Give an order.

    Raises:
        TuishareError: what the agent said instead of taking it, or that there is none.
    """
    match deed:
        case ShareDeed(share, order):
            await agent.order_share(share.id, order)
        case DownloadDeed(download, order):
            await agent.order_download(download.id, order)
        case _:
            assert_never(deed)


def tell(deed: Deed) -> str:
    """Say what the agent is being asked to do."""
    return f"Asked the agent to {_PHRASES[deed.order.value](fit(deed.entry.name, _NAME))}."


_PHRASES: Final[dict[str, Callable[[str], str]]] = {
    "pause": "pause “{}”".format,
    "resume": "go on with “{}”".format,
    "again": "share “{}” again".format,
    "forget": "forget “{}”".format,
    "delete": "delete “{}”".format,
    "approve": "download “{}”".format,
    "reject": "turn “{}” away".format,
}
