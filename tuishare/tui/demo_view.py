"""Two agents side by side, with the current step below: the screen of the demo.

Owns the two columns and the line at the bottom. Each column follows its agent and draws the same tables as the
dashboard; it takes no commands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tuishare.api.messages import Snapshot
from tuishare.presentation.formats import format_rate
from tuishare.tui.cell_text import clean
from tuishare.tui.snapshot_stream import AgentLost, Reader, SnapshotArrived, SnapshotStream
from tuishare.tui.tab_models import Listing
from tuishare.tui.theme import DARK, TextStyle
from tuishare.tui.widgets.footer import Footer
from tuishare.tui.widgets.table import EntryTable


@dataclass(frozen=True, slots=True)
class DemoSide:
    """One of the two agents.

    Attributes:
        name: of its user.
        role: what they do in the demo, one line.
        reader: their agent.
        listing: which entries are shown.
    """

    name: str
    role: str
    reader: Reader
    listing: Listing[Any]


class DemoColumn(Vertical):
    """One agent's column."""

    def __init__(self, side: DemoSide, clock: Callable[[], float]) -> None:
        super().__init__(classes="side")
        self.border_title = side.name
        self._side = side
        self._clock = clock

    def compose(self) -> ComposeResult:
        """Compose role, entries and rates."""
        side = self._side
        yield Static(Content.styled(side.role, TextStyle.QUIET.value))
        yield EntryTable(side.listing, self._clock, id=f"{side.listing.name}-table")
        yield Static(classes="rates")

    def on_mount(self) -> None:
        """Follow the agent."""
        stream = SnapshotStream(self._side.reader, self.post_message, self._clock)
        self.run_worker(stream.run(), name="stream")

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Show the new snapshot."""
        self._show(message.snapshot)

    def on_agent_lost(self, message: AgentLost) -> None:
        """Show that the agent is gone."""
        words = Content.styled(f"! {clean(message.lost.detail)}", TextStyle.BAD.value)
        self.query_one(".rates", Static).update(words)

    def _show(self, snapshot: Snapshot) -> None:
        status, listing = snapshot.status, self._side.listing
        self.query_one(EntryTable).show_entries(listing.pick(snapshot))
        rates = f"▲ {format_rate(status.rate_up)}  ▼ {format_rate(status.rate_down)}"
        self.query_one(".rates", Static).update(Content(rates))


class DemoView(App[None]):
    """Shows two agents and the current step: side by side, or one above the other on a narrow terminal.

    Args:
        left: on the left.
        right: on the right.
        clock: Unix seconds.
    """

    CSS_PATH = "tuishare.tcss"
    TITLE = "tuishare demo"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 (as Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Other side"),
        Binding("q,escape", "quit", "Quit; both agents end"),
    ]

    def __init__(self, left: DemoSide, right: DemoSide, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._sides = (left, right)
        self._clock = clock
        self._line = "Starting …"
        self.register_theme(DARK)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        """Compose two columns, the line, the keys."""
        with Horizontal(id="sides"):
            for side in self._sides:
                yield DemoColumn(side, self._clock)
        yield Static(id="story")
        yield Footer()

    def on_mount(self) -> None:
        """Show the step that was set before."""
        self.tell(self._line)

    def tell(self, line: str) -> None:
        """Show the current step; untrusted names in it are made safe here."""
        self._line = clean(line)
        if self.is_running and self.screen_stack:
            for story in self.query("#story").results(Static):
                story.update(Content.styled(self._line, TextStyle.STRONG.value))
