"""The text about the selected entry, as Textual content.

Owns what is said of one share or download, and in which order. Pure; every foreign text is cleaned here.
"""

from __future__ import annotations

from typing import Final

from textual.content import Content

from tuishare.api.messages import Delivery, DeliveryState, Download, DownloadState, Share
from tuishare.tui.columns import Cell, download_sign, download_state, share_sign, share_state
from tuishare.tui.formats import (
    NOTHING,
    clean,
    draw_bar,
    fit,
    format_count,
    format_percent,
    format_rate,
    format_size,
    format_span,
)
from tuishare.tui.tones import Tone

_LABEL = 10
_USER = 12
_BAR = 30
_DELIVERY_WORDS: Final = {
    DeliveryState.NOT_OPENED: "not opened yet",
    DeliveryState.DOWNLOADING: "downloading",
    DeliveryState.COMPLETE: "complete",
    DeliveryState.REVOKED: "revoked",
}


def describe_share(share: Share, width: int) -> Content:
    """Say all about one share, for a pane of that many cells."""
    facts = [f"gen {share.generation}", format_count(share.files, "file"), format_size(share.size)]
    facts.append(
        "TLS swarm" if share.transport == "tls" else f"{clean(share.transport)} swarm, not encrypted"
    )
    moving = [f"▲ {format_rate(share.rate_up)}", format_count(share.peers, "peer")]
    moving.append(f"{format_size(share.uploaded)} sent")
    if share.size:
        moving.append(f"ratio {share.uploaded / share.size:.1f}")
    lines = [
        _headline(share.name, facts, width),
        _state(share_sign(share), share.state if share.detail else share_state(share).text, moving),
        *_trouble(share.detail, share.hint),
        _fact("For", ", ".join(map(clean, share.recipients)) or NOTHING),
        _fact("Path", share.path),
        *(_delivery(delivery, width) for delivery in share.deliveries),
    ]
    return Content("\n").join(lines)


def describe_download(download: Download, width: int) -> Content:
    """Say all about one download, for a pane of that many cells."""
    facts = [format_count(download.files, "file")] if download.files else []
    facts += [format_size(download.size)] if download.size else []
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
        _fact("From", download.sender or "unknown"),
        _fact("Path", download.path),
        _progress("Here", download.progress, "", width),
    ]
    return Content("\n").join(lines)


def _headline(name: str, facts: list[str], width: int) -> Content:
    rest = "  " + " · ".join(facts)
    return Content.assemble(
        (fit(name, max(8, width - len(rest))), Tone.STRONG.value), (rest, Tone.QUIET.value)
    )


def _state(sign: Cell, word: str, moving: list[str]) -> Content:
    return Content.assemble((f"{sign.text} {word}", sign.tone.value), f"   {' · '.join(moving)}")


def _trouble(detail: str, hint: str) -> list[Content]:
    lines = [Content.styled(clean(detail), Tone.BAD.value)] if detail else []
    return lines + ([Content.styled(f"→ {clean(hint)}", Tone.WARN.value)] if hint else [])


def _fact(label: str, text: str) -> Content:
    return Content.assemble((f"{label:<{_LABEL}}", Tone.QUIET.value), clean(text))


def _delivery(delivery: Delivery, width: int) -> Content:
    words = _DELIVERY_WORDS[delivery.state]
    if delivery.state is DeliveryState.REVOKED:
        return Content.styled(
            f"{fit(delivery.user, _USER):<{_USER}}{words} · had {format_percent(delivery.progress)}",
            Tone.QUIET.value,
        )
    return _progress(fit(delivery.user, _USER), delivery.progress, words, width)


def _progress(label: str, progress: float, words: str, width: int) -> Content:
    bar = draw_bar(progress, max(5, min(_BAR, width - 45)))
    label_width = _USER if words else _LABEL
    return Content.assemble(
        (f"{label:<{label_width}}", Tone.QUIET.value),
        (bar, Tone.GOOD.value if progress >= 1 else Tone.BUSY.value),
        f" {format_percent(progress):>6}   {words}",
    )
