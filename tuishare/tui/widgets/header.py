"""The lines above the tables: header and banner.

Each draws a pure function of the app's view and clock.
"""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from tuishare.tui.dashboard_base import DashboardBase
from tuishare.tui.header_text import write_headline
from tuishare.tui.notifications import write_banner


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
