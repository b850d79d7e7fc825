"""The columns of the tables of shares and downloads.

Owns the glyphs and colours of states. Pure; cells hold untrusted text, which the table makes safe.
"""

from __future__ import annotations

from typing import Final, assert_never

from tuishare.api.messages import (
    DeliveryState,
    Download,
    DownloadState,
    Share,
    ShareState,
)
from tuishare.presentation.formats import (
    NOTHING,
    format_moment,
    format_part,
    format_percent,
    format_rate,
    format_size,
    format_span,
)
from tuishare.presentation.transfers import (
    count_delivered,
    explain_download_state,
    explain_share_state,
    name_sender,
)
from tuishare.tui.cell_text import draw_bar, fit
from tuishare.tui.cells import Cell, Column
from tuishare.tui.theme import TextStyle

_BAR = 5
_SOON: Final = 86_400  # seconds; an end within a day is highlighted


def share_sign(share: Share) -> Cell:
    """Return the glyph of a share's state."""
    match share.state:
        case ShareState.SEEDING:
            return Cell("●", TextStyle.GOOD)
        case ShareState.HASHING | ShareState.SEALING:
            return Cell("◐", TextStyle.BUSY)
        case ShareState.SETTLING:
            return Cell("◌", TextStyle.BUSY)
        case ShareState.PAUSED:
            return Cell("‖", TextStyle.QUIET)
        case ShareState.WITHDRAWN:
            return Cell("○", TextStyle.QUIET)
        case ShareState.PROBLEM:
            return Cell("!", TextStyle.BAD)
        case _:
            assert_never(share.state)


def share_state(share: Share) -> Cell:
    """Return the state of a share."""
    return Cell(explain_share_state(share), share_sign(share).tone)


def share_delivered(share: Share) -> Cell:
    """Return how many recipients have all of a share; revoked ones do not count."""
    complete, recipients = count_delivered(share)
    if not recipients:
        return Cell(NOTHING, TextStyle.QUIET)
    part = format_part(complete, recipients)
    if complete == recipients:
        return Cell(f"{draw_bar(1, _BAR)} {part} ✓", TextStyle.GOOD)
    return Cell(f"{draw_bar(min(_mean_progress(share), 0.99), _BAR)} {part}")


def download_sign(download: Download) -> Cell:
    """Return the glyph of a download's state."""
    if download.unanswered is not None:
        return Cell("◌", TextStyle.WARN)
    match download.state:
        case DownloadState.COMPLETE:
            return Cell("●", TextStyle.GOOD)
        case DownloadState.DOWNLOADING | DownloadState.CHECKING:
            return Cell("◐", TextStyle.BUSY)
        case DownloadState.LOCKED:
            return Cell("◌", TextStyle.QUIET)
        case DownloadState.WAITING | DownloadState.QUEUED:
            return Cell("◌", TextStyle.WARN)
        case DownloadState.PAUSED:
            return Cell("‖", TextStyle.QUIET)
        case DownloadState.REJECTED | DownloadState.PROBLEM:
            return Cell("!", TextStyle.BAD)
        case _:
            assert_never(download.state)


def download_state(download: Download) -> Cell:
    """Return the state of a download."""
    return Cell(explain_download_state(download), download_sign(download).tone)


def download_progress(download: Download) -> Cell:
    """Return the progress of a download, as a bar."""
    if download.state in {DownloadState.LOCKED, DownloadState.WAITING, DownloadState.REJECTED}:
        return Cell(NOTHING, TextStyle.QUIET)
    if download.state is DownloadState.COMPLETE:
        return Cell(f"{draw_bar(1, _BAR)} 100 % ✓", TextStyle.GOOD)
    return Cell(f"{draw_bar(download.progress, _BAR)} {format_percent(download.progress)}")


def _rate(rate: int) -> Cell:
    return Cell(format_rate(rate)) if rate else Cell(NOTHING, TextStyle.QUIET)


def _size(size: int) -> Cell:
    return Cell(format_size(size)) if size else Cell(NOTHING, TextStyle.QUIET)


def _left(download: Download) -> Cell:
    return Cell(NOTHING, TextStyle.QUIET) if download.eta is None else Cell(format_span(download.eta))


def _expiry(not_after: int, now: float) -> Cell:
    if not not_after:
        return Cell(NOTHING, TextStyle.QUIET)
    left = not_after - now
    return Cell("ended", TextStyle.QUIET) if left <= 0 else Cell(format_span(left), _hurry(left))


def _hurry(left: float) -> TextStyle:
    return TextStyle.WARN if left < _SOON else TextStyle.PLAIN


def _share_rate(share: Share) -> Cell:
    # With a problem, the way out matters more than a rate of 0. An entry that is not a share yet cannot be shared
    # again; its way out is in the details.
    troubled = share.state is ShareState.PROBLEM and share.generation
    return Cell("press s", TextStyle.WARN) if troubled else _rate(share.rate_up)


def _delivered_part(share: Share) -> float:
    return -_mean_progress(share) if count_delivered(share)[1] else 1.0


def _mean_progress(share: Share) -> float:
    """Return the average progress of the recipients of a share; one of them must not be revoked."""
    counted = [entry.progress for entry in share.deliveries if entry.state is not DeliveryState.REVOKED]
    return sum(counted) / len(counted)


def _sender(download: Download) -> Cell:
    if not download.sender:
        return Cell(name_sender(download), TextStyle.QUIET)
    return Cell(download.sender, TextStyle.PLAIN if download.verified else TextStyle.WARN)


SHARE_COLUMNS: Final[tuple[Column[Share], ...]] = (
    Column("sign", "", 1, lambda share, _: share_sign(share)),
    Column(
        "name",
        "Name",
        0,
        lambda share, _: Cell(share.name),
        cut=fit,
        order=lambda share: share.name.casefold(),
    ),
    Column(
        "for",
        "For",
        14,
        lambda share, _: Cell(", ".join(share.recipients)),
        wide=True,
        order=lambda share: share.recipients,
    ),
    Column(
        "size",
        "Size",
        8,
        lambda share, _: _size(share.size),
        wide=True,
        right=True,
        order=lambda share: -share.size,
    ),
    Column("state", "State", 17, lambda share, _: share_state(share), order=lambda share: share.state.value),
    Column("delivered", "Delivered", 16, lambda share, _: share_delivered(share), order=_delivered_part),
    Column(
        "up",
        "▲",
        10,
        lambda share, _: _share_rate(share),
        wide=True,
        right=True,
        order=lambda share: -share.rate_up,
    ),
    Column(
        "expiry",
        "Ends in",
        9,
        lambda share, now: _expiry(share.not_after, now),
        wide=True,
        right=True,
        order=lambda share: share.not_after or float("inf"),
    ),
    Column(
        "added",
        "Added",
        8,
        lambda share, now: Cell(format_moment(share.added, now), TextStyle.QUIET),
        wide=True,
        order=lambda share: -share.added,
    ),
)
"""The table of shares."""

DOWNLOAD_COLUMNS: Final[tuple[Column[Download], ...]] = (
    Column("sign", "", 1, lambda item, _: download_sign(item)),
    Column(
        "name", "Name", 0, lambda item, _: Cell(item.name), cut=fit, order=lambda item: item.name.casefold()
    ),
    Column(
        "from",
        "From",
        14,
        lambda item, _: _sender(item),
        wide=True,
        order=lambda item: item.sender.casefold(),
    ),
    Column(
        "size",
        "Size",
        8,
        lambda item, _: _size(item.size),
        wide=True,
        right=True,
        order=lambda item: -item.size,
    ),
    Column("state", "State", 17, lambda item, _: download_state(item), order=lambda item: item.state.value),
    Column(
        "progress", "Progress", 13, lambda item, _: download_progress(item), order=lambda item: -item.progress
    ),
    Column(
        "down",
        "▼",
        10,
        lambda item, _: _rate(item.rate_down),
        wide=True,
        right=True,
        order=lambda item: -item.rate_down,
    ),
    Column(
        "left",
        "Left",
        6,
        lambda item, _: _left(item),
        wide=True,
        right=True,
        order=lambda item: float("inf") if item.eta is None else item.eta,
    ),
    Column(
        "added",
        "Added",
        8,
        lambda item, now: Cell(format_moment(item.added, now), TextStyle.QUIET),
        wide=True,
        order=lambda item: -item.added,
    ),
)
"""The table of downloads."""
