"""The main screen: header, notice, tabs, footer.

Owns the keys that move between tabs and the counts on the tabs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, TabbedContent, TabPane

from tuishare.api.messages import Download, Share
from tuishare.tui.screens.keys import KeysScreen
from tuishare.tui.widgets.pane import DownloadsPane, EntryPane, SharesPane
from tuishare.tui.widgets.strips import Headline, Notice

if TYPE_CHECKING:
    from tuishare.tui.app import Dashboard


class MainScreen(Screen[None]):
    """Everything at a glance."""

    app: Dashboard

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "open_tab('shares')", "Shares", show=False),  # the tabs say it
        Binding("2", "open_tab('downloads')", "Downloads", show=False),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("question_mark", "keys", "Help", key_display="?"),
    ]

    def compose(self) -> ComposeResult:
        """Put the regions together."""
        yield Headline(id="headline")
        yield Notice(id="notice")
        with TabbedContent(initial="shares"):
            with TabPane("1 Shares", id="shares"):
                yield SharesPane()
            with TabPane("2 Downloads", id="downloads"):
                yield DownloadsPane()
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Follow the app, and let the table have the keys."""
        self.watch(self.app, "view", self._count)
        self._pane().table.focus()

    def action_open_tab(self, name: str) -> None:
        """Show the tab of that name."""
        self.query_one(TabbedContent).active = name

    def action_filter(self) -> None:
        """Ask what to look for in the tab that is shown."""
        self._pane().ask_filter()

    def action_keys(self) -> None:
        """List the keys."""
        self.app.push_screen(KeysScreen())

    @on(TabbedContent.TabActivated)
    def _focus_table(self) -> None:
        self._pane().table.focus()

    def _pane(self) -> EntryPane[Share | Download]:
        active = self.query_one(TabbedContent).active
        return self.query_one(f"#{active}-pane", EntryPane)

    def _count(self) -> None:
        snapshot = self.app.view.snapshot
        if snapshot is None:
            return
        tabs = self.query_one(TabbedContent)
        tabs.get_tab("shares").label = f"1 Shares {len(snapshot.shares):,}"
        tabs.get_tab("downloads").label = f"2 Downloads {len(snapshot.downloads):,}"
