"""The lines above the tables: header and banner.

Owns the wording of the header, and what is left out first on a narrow terminal. Each line draws a pure function of the
app's view and clock.
"""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from tuishare.api.messages import Status
from tuishare.presentation.formats import format_rate, format_size, format_span
from tuishare.presentation.states import describe_reachability, find_tls_problem
from tuishare.tui.cell_text import fit
from tuishare.tui.dashboard_base import DashboardBase
from tuishare.tui.notifications import write_banner
from tuishare.tui.theme import TextStyle
from tuishare.tui.view import Connected, Connecting, View

_GAP = "   "
_NAME = 24
_TLS = "TLS 1.3"
_TLS_LONG = f"{_TLS} · post-quantum"


class Header(Static):
    """Name, agent, rates, security, port and free space."""

    app: DashboardBase
    _drawn = Content("")

    def on_mount(self) -> None:
        """Follow the app."""
        self.watch(self.app, "view", self._draw)
        self.watch(self.app, "now", self._draw)

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the line to the new width."""
        self._draw()

    def _draw(self) -> None:
        content = write_headline(self.app.view, self.app.now, self.size.width or self.app.size.width)
        if not content.is_same(self._drawn):
            self._drawn = content
            self.update(content, layout=False)


class Banner(Static):
    """What is wrong now; hidden while nothing is."""

    app: DashboardBase
    _drawn = Content("")

    def on_mount(self) -> None:
        """Follow the app."""
        self.watch(self.app, "view", self._draw)
        self.watch(self.app, "now", self._draw)

    def _draw(self) -> None:
        content = write_banner(self.app.view, self.app.now)
        self.display = content is not None
        # each update computes the layout of the whole screen again
        if content is not None and not content.is_same(self._drawn):
            self._drawn = content
            self.update(content)


def write_headline(view: View, now: float, width: int) -> Content:
    """Return the line.

    Args:
        view: what is known.
        now: Unix seconds, for the agent's uptime.
        width: in cells; the least important parts are left out first.
    """
    name = (" tuishare", TextStyle.STRONG.value)
    if view.snapshot is None:
        return Content.assemble(name, _GAP, _connection_words(view, None, now))
    status = view.snapshot.status
    parts = [
        Content.assemble(name, "  ", (fit(status.name, _NAME), TextStyle.QUIET.value)),
        Content.assemble(_connection_words(view, status, now)),
        _rates(view, status),
        _security(status, long=True),
        _ports(status),
        Content.styled(f"{format_size(status.free_bytes)} free", TextStyle.QUIET.value),
    ]
    return _shorten(parts, status, width)


def _shorten(parts: list[Content], status: Status, width: int) -> Content:
    """Leave out free space, then the long form of TLS, then ports, until the line fits."""
    short = _security(status, long=False)
    attempts = (parts, parts[:5], [*parts[:3], short, parts[4]], [*parts[:3], short], parts[:3])
    lines = [Content(_GAP).join(attempt) for attempt in attempts]
    return next((line for line in lines if line.cell_length <= width), lines[-1])


def _connection_words(view: View, status: Status | None, now: float) -> tuple[str, str]:
    if isinstance(view.connection, Connected) and status is not None:
        return f"● agent {format_span(now - status.started)}", TextStyle.GOOD.value
    if isinstance(view.connection, Connecting | Connected):
        return "◌ connecting", TextStyle.BUSY.value
    return "! agent lost", TextStyle.BAD.value


def _rates(view: View, status: Status) -> Content:
    if not isinstance(view.connection, Connected):  # an old rate would look current
        return Content.styled("▲ –  ▼ –", TextStyle.QUIET.value)
    return Content(f"▲ {format_rate(status.rate_up)}  ▼ {format_rate(status.rate_down)}")


def _security(status: Status, *, long: bool) -> Content:
    if problem := find_tls_problem(status):
        return Content.styled(f"! {problem}", TextStyle.BAD.value)
    return Content.styled(_TLS_LONG if long else _TLS, TextStyle.GOOD.value)


def _ports(status: Status) -> Content:
    ports = [f":{port}" for port in (status.listen_tls, status.listen_plain) if port is not None]
    if not ports:
        return Content.styled("! no port", TextStyle.BAD.value)
    if status.reachable is None:
        return Content(" ".join(ports))
    tone = TextStyle.GOOD if status.reachable else TextStyle.WARN
    return Content.assemble(" ".join(ports), (f" {describe_reachability(status.reachable)}", tone.value))
