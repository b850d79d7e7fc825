"""The text about the selected entry, as Textual content.

Owns what is said of one share or download at first sight, and in which order. Pure; every foreign text is cleaned here.
"""

from __future__ import annotations

from typing import assert_never

from textual.content import Content

from tuishare.api.messages import Delivery, DeliveryState, Download, DownloadState, Share
from tuishare.tui.cells import Cell
from tuishare.tui.formats import (
    NOTHING,
    clean,
    draw_bar,
    fit,
    format_count,
    format_moment,
    format_percent,
    format_rate,
    format_size,
    format_span,
    pad,
)
from tuishare.tui.share_columns import download_sign, download_state, share_sign, share_state
from tuishare.tui.theme import TextStyle

_LABEL = 10
_USER = 13
_BAR = 30


def describe_share(share: Share, now: float, width: int) -> Content:
    """Say what is most wanted of one share, for a pane of that many cells at a moment (Unix seconds)."""
    facts = [f"gen {share.generation}"] if share.generation else []
    facts += [format_count(share.files, "file")] if share.files else []
    facts += [format_size(share.size)] if share.size else []
    facts.append(
        "TLS swarm" if share.transport == "tls" else f"{clean(share.transport)} swarm, not encrypted"
    )
    facts += _ending(share.not_after, now)
    moving = [f"▲ {format_rate(share.rate_up)}", format_count(share.peers, "peer")]
    moving.append(f"{format_size(share.uploaded)} sent")
    if share.size:
        moving.append(f"ratio {share.uploaded / share.size:.1f}")
    lines = [
        _headline(share.name, facts, width),
        _state(share_sign(share), share.state if share.detail else share_state(share).text, moving),
        *_trouble(share.detail, share.hint),
        *(_delivery(delivery, now, width) for delivery in share.deliveries),
        _fact("For", ", ".join(map(clean, share.recipients)) or NOTHING),
        *([_fact("Note", share.note)] if share.note else []),
        _fact("Path", share.path),
    ]
    return Content("\n").join(lines)


def describe_download(download: Download, now: float, width: int) -> Content:
    """Say what is most wanted of one download, for a pane of that many cells at a moment (Unix seconds)."""
    facts = [f"gen {download.generation}"] if download.generation else []
    facts += [format_count(download.files, "file")] if download.files else []
    facts += [format_size(download.size)] if download.size else []
    facts += _ending(download.not_after, now)
    moving = [f"▼ {format_rate(download.rate_down)}", f"▲ {format_rate(download.rate_up)}"]
    moving.append(format_count(download.peers, "peer"))
    if download.state is DownloadState.DOWNLOADING and download.eta is not None:
        moving.append(f"{format_span(download.eta)} left")
    lines = [
        _headline(download.name, facts, width),
        _state(
            download_sign(download),
            download.state if download.detail else download_state(download).text,
            moving,
        ),
        *_trouble(download.detail, download.hint),
        _progress("Here", download.progress, "", width),
        _sender(download),
        *([_fact("Note", download.note)] if download.note else []),
        # until it is approved, only a folder is waiting there
        *([] if download.state is DownloadState.WAITING else [_fact("Path", download.path)]),
    ]
    return Content("\n").join(lines)


def _headline(name: str, facts: list[str], width: int) -> Content:
    rest = "  " + " · ".join(facts)
    return Content.assemble(
        (fit(name, max(8, width - len(rest))), TextStyle.STRONG.value), (rest, TextStyle.QUIET.value)
    )


def _ending(not_after: int, now: float) -> list[str]:
    if not not_after:
        return []
    return [f"ends in {format_span(not_after - now)}" if not_after > now else "is over"]


def _state(sign: Cell, word: str, moving: list[str]) -> Content:
    return Content.assemble((f"{sign.text} {word}", sign.tone.value), f"   {' · '.join(moving)}")


def _trouble(detail: str, hint: str) -> list[Content]:
    lines = [Content.styled(clean(detail), TextStyle.BAD.value)] if detail else []
    return lines + ([Content.styled(f"→ {clean(hint)}", TextStyle.WARN.value)] if hint else [])


def _fact(label: str, text: str) -> Content:
    return Content.assemble((f"{label:<{_LABEL}}", TextStyle.QUIET.value), clean(text))


def _sender(download: Download) -> Content:
    trust = (
        ("  verified ✓", TextStyle.GOOD.value)
        if download.verified
        else ("  not verified", TextStyle.WARN.value)
    )
    if not download.sender:
        return _fact("From", "unknown")
    return Content.assemble(
        _fact("From", download.sender), trust, (f"  {clean(download.fingerprint)}", TextStyle.QUIET.value)
    )


def _delivery(delivery: Delivery, now: float, width: int) -> Content:
    if delivery.state is DeliveryState.REVOKED:
        name = pad(fit(delivery.user, _USER), _USER)
        when = f" {format_moment(delivery.revoked, now)}" if delivery.revoked else ""
        kept = f" · kept what he had ({format_percent(delivery.progress)})" if delivery.progress else ""
        return Content.styled(f"{name}revoked{when}{kept}", TextStyle.QUIET.value)
    return _progress(fit(delivery.user, _USER), delivery.progress, delivery_words(delivery, now), width)


def delivery_words(delivery: Delivery, now: float) -> str:
    """Say how far a recipient is, at a moment (Unix seconds)."""
    match delivery.state:
        case DeliveryState.NOT_OPENED:
            return "not opened yet" + (
                f" · sealed {format_moment(delivery.sealed, now)}" if delivery.sealed else ""
            )
        case DeliveryState.DOWNLOADING if delivery.rate:
            return f"{format_rate(delivery.rate)} · {format_span(delivery.left / delivery.rate)} left"
        case DeliveryState.DOWNLOADING:
            return "waiting" + (f" · seen {format_moment(delivery.seen, now)}" if delivery.seen else "")
        case DeliveryState.COMPLETE:
            return "complete" + (f" {format_moment(delivery.completed, now)}" if delivery.completed else "")
        case DeliveryState.REVOKED:
            return "revoked"
        case _:
            assert_never(delivery.state)


def _progress(label: str, progress: float, words: str, width: int) -> Content:
    bar = draw_bar(progress, max(5, min(_BAR, width - 45)))
    label_width = _USER if words else _LABEL
    return Content.assemble(
        (pad(label, label_width), TextStyle.QUIET.value),
        (bar, TextStyle.GOOD.value if progress >= 1 else TextStyle.BUSY.value),
        f" {format_percent(progress):>6}   {words}",
    )
