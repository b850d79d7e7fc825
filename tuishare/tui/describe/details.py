"""The text about the files, peers and history of a share or download.

Owns its wording. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from tuishare.api.messages import Activity, Details, File, PeerInfo
from tuishare.presentation.formats import format_moment, format_percent, format_rate, format_size
from tuishare.presentation.states import name_activity, name_way
from tuishare.tui.cell_text import clip, draw_bar, fit, pad
from tuishare.tui.people_columns import event_sign
from tuishare.tui.theme import TextStyle

_SHOWN = 200  # lines: more are hard to scroll in a small pane, which is redrawn every few seconds
_BAR = 10
_CLIENT = 18
_CLIENT_FROM = 96  # cells; narrower, the address needs the room, and what is direct is the rule


def describe_files(details: Details, _now: float, width: int) -> Content:
    """List the files of a payload, with their progress."""
    lines = [_file(file, width) for file in details.files[:_SHOWN]]
    more = details.more_files + max(0, len(details.files) - _SHOWN)
    return _lines(lines, "The files are not known yet.", f"and {more:,} more" if more else "")


def describe_peers(details: Details, _now: float, width: int) -> Content:
    """List the connected peers."""
    lines = [_peer(peer, width) for peer in details.peers[:_SHOWN]]
    more = len(details.peers) - _SHOWN
    return _lines(lines, "No peer is connected.", f"and {more:,} more" if more > 0 else "")


def describe_history(details: Details, now: float, width: int) -> Content:
    """List past events, newest first."""
    lines = [_event(event, now, width) for event in details.history[:_SHOWN]]
    return _lines(lines, "Nothing has happened yet.", "")


def _lines(lines: list[Content], nothing: str, more: str) -> Content:
    last = [Content.styled(more, TextStyle.QUIET.value)] if more else []
    return Content("\n").join([*lines, *last] or [Content.styled(nothing, TextStyle.QUIET.value)])


def _file(file: File, width: int) -> Content:
    here = "" if file.wanted else "  not wanted"
    name = max(12, width - _BAR - 28)
    return Content.assemble(
        (pad(fit(file.path, name), name), "" if file.wanted else TextStyle.QUIET.value),
        f"{format_size(file.size):>10}  ",
        (draw_bar(file.progress, _BAR), (TextStyle.GOOD if file.progress >= 1 else TextStyle.BUSY).value),
        f" {format_percent(file.progress):>5}",
        (here, TextStyle.QUIET.value),
    )


def _peer(peer: PeerInfo, width: int) -> Content:
    secret = peer.encryption == "tls"
    client = f" {pad(fit(peer.client, _CLIENT), _CLIENT)}" if width >= _CLIENT_FROM else ""
    way = f"  {name_way(by_hub=peer.by_hub)}" if peer.by_hub or width >= _CLIENT_FROM else ""
    who = max(12, width - cell_len(client) - cell_len(way) - 52)
    name = f"{peer.user or 'unknown'} {peer.address}"
    return Content.assemble(
        pad(fit(name, who), who),
        (client, TextStyle.QUIET.value),
        f" {format_percent(peer.progress):>5}",
        f"  ▲ {format_rate(peer.rate_up):>10}  ▼ {format_rate(peer.rate_down):>10}",
        (way, TextStyle.QUIET.value),
        (" TLS" if secret else " ! not encrypted", (TextStyle.GOOD if secret else TextStyle.BAD).value),
    )


def _event(event: Activity, now: float, width: int) -> Content:
    sign = event_sign(event)
    detail = clip(event.detail or event.subject, max(10, width - 28))
    return Content.assemble(
        (f"{format_moment(event.at, now):>6} ", TextStyle.QUIET.value),
        (f"{sign.text} {name_activity(event.kind):<15}", sign.tone.value),
        detail,
    )
