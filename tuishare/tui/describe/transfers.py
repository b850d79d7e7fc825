"""The summary of one share or download.

Owns its wording and order. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from textual.content import Content

from tuishare.api.messages import Delivery, DeliveryState, Download, DownloadState, Share, ShareState
from tuishare.presentation.formats import (
    NOTHING,
    format_count,
    format_moment,
    format_percent,
    format_rate,
    format_size,
    format_span,
)
from tuishare.presentation.left_out import describe_left_out, describe_renamed
from tuishare.presentation.states import describe_transport, name_share_state, name_trust
from tuishare.presentation.transfers import (
    describe_delivery,
    describe_download_state,
    describe_end,
    describe_reports,
    describe_share_state,
    describe_unanswered,
    is_stuck,
    name_sender,
)
from tuishare.tui.cell_text import clean, draw_bar, fit, pad
from tuishare.tui.cells import Cell
from tuishare.tui.describe.lines import write_fact, write_hint
from tuishare.tui.share_columns import download_sign, share_sign
from tuishare.tui.theme import TextStyle

_LABEL = 10
_USER = 13
_BAR = 30


def describe_share(share: Share, now: float, width: int) -> Content:
    """Return the summary of one share.

    Args:
        share: to describe.
        now: Unix seconds.
        width: of the pane, cells.
    """
    facts = [f"version {share.generation}"] if share.generation else []
    facts += [format_count(share.files, "file")] if share.files else []
    facts += [format_size(share.size)] if share.size else []
    facts.append(clean(describe_transport(share.transport)))
    facts += filter(None, [describe_end(share.not_after, now)])
    moving = [f"▲ {format_rate(share.rate_up)}", format_count(share.peers, "peer")]
    moving.append(f"{format_size(share.uploaded)} sent")
    if share.size:
        moving.append(f"ratio {share.uploaded / share.size:.1f}")
    word = name_share_state(share.state) if share.detail else describe_share_state(share)
    lines = [
        _headline(share.name, facts, width),
        _state(share_sign(share), word, moving),
        *_problem(share),
        *(_delivery(delivery, now, width) for delivery in share.deliveries),
        *_by_hand(share),
        write_fact("For", ", ".join(map(clean, share.recipients)) or NOTHING, _LABEL),
        *([write_fact("Note", share.note, _LABEL)] if share.note else []),
        *_left_out(share),
        write_fact("Path", share.path, _LABEL),
    ]
    return Content("\n").join(lines)


def describe_download(download: Download, now: float, width: int) -> Content:
    """Return the summary of one download; arguments as for `describe_share`."""
    facts = [f"version {download.generation}"] if download.generation else []
    facts += [format_count(download.files, "file")] if download.files else []
    facts += [format_size(download.size)] if download.size else []
    facts += filter(None, [describe_end(download.not_after, now)])
    moving = [f"▼ {format_rate(download.rate_down)}", f"▲ {format_rate(download.rate_up)}"]
    moving.append(format_count(download.peers, "peer"))
    if download.state is DownloadState.DOWNLOADING and download.eta is not None:
        moving.append(f"{format_span(download.eta)} left")
    lines = [
        _headline(download.name, facts, width),
        _state(download_sign(download), describe_download_state(download), moving),
        *_unanswered(download, now),
        *_problem(download),
        *([Content(f"Tried again at {format_moment(download.again_at, now)}.")] if download.again_at else []),
        _progress("Here", download.progress, "", width),
        _sender(download),
        *([write_fact("Note", download.note, _LABEL)] if download.note else []),
        *_left_out(download),
        *([write_fact("Renamed", describe_renamed(download), _LABEL)] if download.renamed else []),
        # until it is approved, the path holds nothing but an empty folder
        *([] if download.state is DownloadState.WAITING else [write_fact("Path", download.path, _LABEL)]),
    ]
    return Content("\n").join(lines)


def write_delivery(delivery: Delivery, now: float) -> str:
    """Return the progress of a recipient at a moment (Unix seconds)."""

    def write_time(moment: int) -> str:
        return format_moment(moment, now)

    parts = describe_delivery(delivery, write_time, now)
    return " · ".join((*parts, *describe_reports(delivery, write_time)))


def _headline(name: str, facts: list[str], width: int) -> Content:
    rest = "  " + " · ".join(facts)
    return Content.assemble(
        (fit(name, max(8, width - len(rest))), TextStyle.STRONG.value), (rest, TextStyle.QUIET.value)
    )


def _state(sign: Cell, word: str, moving: list[str]) -> Content:
    return Content.assemble((f"{sign.text} {word}", sign.tone.value), f"   {' · '.join(moving)}")


def _problem(entry: Share | Download) -> list[Content]:
    tone = TextStyle.WARN if entry.state is ShareState.SETTLING else TextStyle.BAD
    lines = [Content.styled(clean(entry.detail), tone.value)] if entry.detail else []
    return lines + write_hint(entry.hint)


def _left_out(entry: Share | Download) -> list[Content]:
    words = describe_left_out(entry.left_out)
    return [write_fact("Left out", words, _LABEL)] if words else []


def _unanswered(download: Download, now: float) -> list[Content]:
    silence = describe_unanswered(download, now)
    return [Content.styled(clean(silence), TextStyle.WARN.value)] if silence else []


def _by_hand(share: Share) -> list[Content]:
    if not share.envelope:
        return []
    whom = ", ".join(clean(delivery.user) for delivery in share.deliveries if delivery.must_be_carried)
    return [
        write_fact("By hand", share.envelope, _LABEL),
        Content.styled(f"{'':<{_LABEL}}y copies this path: carry the file to {whom}", TextStyle.QUIET.value),
    ]


def _sender(download: Download) -> Content:
    sender = write_fact("From", name_sender(download), _LABEL)
    if not download.sender:
        return sender
    trust = name_trust(verified=download.verified)
    tone, tick = (TextStyle.GOOD, " ✓") if download.verified else (TextStyle.WARN, "")
    return Content.assemble(
        sender,
        (f"  {trust}{tick}", tone.value),
        (f"  {clean(download.fingerprint)}", TextStyle.QUIET.value),
    )


def _delivery(delivery: Delivery, now: float, width: int) -> Content:
    name, words = fit(delivery.user, _USER), write_delivery(delivery, now)
    if is_stuck(delivery):
        return Content.assemble(
            (pad(name, _USER), TextStyle.QUIET.value), (clean(words), TextStyle.WARN.value)
        )
    if delivery.state is DeliveryState.REVOKED:
        return Content.styled(pad(name, _USER) + words, TextStyle.QUIET.value)
    return _progress(name, delivery.progress, words, width)


def _progress(label: str, progress: float, words: str, width: int) -> Content:
    bar = draw_bar(progress, max(5, min(_BAR, width - 45)))
    label_width = _USER if words else _LABEL
    return Content.assemble(
        (pad(label, label_width), TextStyle.QUIET.value),
        (bar, TextStyle.GOOD.value if progress >= 1 else TextStyle.BUSY.value),
        f" {format_percent(progress):>6}   {words}",
    )
