"""The main screen: header, banner, tabs, footer.

Owns the keys that move between tabs and the counts on the tabs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input, TabbedContent, TabPane

from tuishare.api.messages import DownloadState, ShareState
from tuishare.presentation.row_models import count_missing
from tuishare.tui.dashboard_base import DashboardBase
from tuishare.tui.screens.help import HelpScreen
from tuishare.tui.view import View
from tuishare.tui.widgets.footer import Footer
from tuishare.tui.widgets.header import Banner, Header
from tuishare.tui.widgets.pane import EntryPane
from tuishare.tui.widgets.panes import ActivityPane, DownloadsPane, FoldersPane, PeoplePane, SharesPane

TABS: Final = ("shares", "downloads", "people", "folders", "activity")
"""Names of the tabs, from left to right; the first has key 1."""

_PANES: Final[tuple[Callable[[], EntryPane[Any]], ...]] = (
    SharesPane,
    DownloadsPane,
    PeoplePane,
    FoldersPane,
    ActivityPane,
)


class MainScreen(Screen[None]):
    """Shows the tabs."""

    app: DashboardBase

    BINDINGS: ClassVar[list[BindingType]] = [
        *(  # the tabs show it
            Binding(str(number), f"open_tab('{name}')", name.capitalize(), show=False)
            for number, name in enumerate(TABS, 1)
        ),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("comma", "app.open_dialog('settings')", "Settings", show=False),
        Binding("question_mark", "keys", "Help", key_display="?"),
    ]

    def compose(self) -> ComposeResult:
        """Compose the regions."""
        yield Header(id="headline")
        yield Banner(id="notice")
        with TabbedContent(initial=TABS[0]):
            for number, (name, pane) in enumerate(zip(TABS, _PANES, strict=True), 1):
                with TabPane(f"{number} {name.capitalize()}", id=name):
                    yield pane()
        yield Footer()

    async def on_mount(self) -> None:
        """Follow the app, and focus the table."""
        self.watch(self.app, "view", self._count)
        await self._open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the filter unless it has the focus."""
        if action == "filter":
            return not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    @property
    def pane(self) -> EntryPane[Any]:
        """The content of the tab that is shown."""
        return self.query_one(f"#{self.query_one(TabbedContent).active}-pane", EntryPane)

    async def action_open_tab(self, name: str) -> None:
        """Show the tab of that name."""
        self.query_one(TabbedContent).active = name
        await self._open()

    def action_filter(self) -> None:
        """Open the filter of the tab that is shown."""
        self.pane.ask_filter()

    def action_keys(self) -> None:
        """List the keys of the tab that is shown."""
        self.app.push_screen(HelpScreen(self.pane.listing.name, self.pane.list_keys()))

    @on(TabbedContent.TabActivated)
    async def _open(self) -> None:
        pane = self.pane
        await pane.open()
        self.set_focus(pane.table)  # at once: the next key may be one of this tab

    def _count(self) -> None:
        tabs = self.query_one(TabbedContent)
        for number, name in enumerate(TABS, 1):
            label = " ".join((str(number), name.capitalize(), *_count_for(name, self.app.view)))
            tab = tabs.get_tab(name)
            if tab.label_text != label:  # a new label computes the layout of the whole screen again
                tab.label = label


def _count_for(name: str, view: View) -> list[str]:
    snapshot = view.snapshot
    if snapshot is None:
        return []
    match name:
        case "shares":
            number, urgent = (
                len(snapshot.shares),
                sum(s.state is ShareState.PROBLEM for s in snapshot.shares),
            )
        case "downloads":
            number = len(snapshot.downloads)
            urgent = sum(item.state is DownloadState.WAITING for item in snapshot.downloads)
        case "people":
            number, urgent = len(snapshot.people.users), 0
        case "folders":
            number, urgent = len(snapshot.status.drop_folders), count_missing(snapshot)
        case _:
            return [f"●{len(view.problems)}"] if view.problems else []
    return [f"{number:,}", *([f"●{urgent:,}"] if urgent else [])]
