"""The content of a tab: filter, table, explanation while it is empty, and the selected entry.

Owns how these four work together in every tab. Must not call the agent; each tab names its commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static, TabPane

from tuishare.api.messages import Details
from tuishare.tui.cell_text import clean, clip
from tuishare.tui.dashboard_base import DashboardBase, DialogKind, OpenDialog, RunCommands, Subject
from tuishare.tui.entry_commands import Command
from tuishare.tui.tab_models import Listing
from tuishare.tui.view import Connected, View
from tuishare.tui.widgets.detail import Detail, Section
from tuishare.tui.widgets.table import EntryTable

E = TypeVar("E")

_COPIED = 60


class EntryPane(Vertical, Generic[E]):
    """Shows the entries of one kind.

    Args:
        listing: what they are.
        sections: about the selected entry.
        explain_empty: returns what to do while the tab is empty.
        ask: asks the agent for the details of an entry.
    """

    app: DashboardBase

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close_filter", "Show all"),
        Binding("escape", "clear_marks", "Unmark"),
        Binding("left,h", "turn(-1)", "Section before", show=False),
        Binding("right,l", "turn(1)", "Next section", show=False),
        Binding("J", "scroll_detail(1)", "Scroll the details down", show=False),
        Binding("K", "scroll_detail(-1)", "Scroll the details up", show=False),
    ]

    def __init__(
        self,
        listing: Listing[E],
        sections: Sequence[Section[E]],
        explain_empty: Callable[[View], Content],
        ask: Callable[[E], Awaitable[Details]] | None = None,
    ) -> None:
        super().__init__(id=f"{listing.name}-pane")
        self.listing = listing
        self._sections = sections
        self._explain_empty = explain_empty
        self._ask = ask
        self._possible: Mapping[str, tuple[Command, ...]] = {}
        self._offered: object = None
        self._opening = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Show the current view; compose the parts first when the tab is opened for the first time."""
        async with self._opening:  # a key and Textual's own message may open it concurrently
            if not self._is_open:
                await self._compose_parts()
                self._is_open = True
                self.watch(self.app, "view", self.show, init=False)
        self.show()

    async def _compose_parts(self) -> None:
        field = Input(placeholder="filter by name, user or state", classes="filter", compact=True)
        field.display = False
        table = EntryTable(self.listing, self.app.clock, id=f"{self.id}-table")
        detail = Detail(self._sections, self.listing.key, self._ask)
        await self.mount(field, table, Static(classes="explanation"), detail)

    @property
    def table(self) -> EntryTable[E]:
        """The table, for focus and for tests."""
        return self.query_one(EntryTable)

    @property
    def detail(self) -> Detail[E]:
        """The selected entry."""
        return self.query_one(Detail)

    @property
    def chosen(self) -> tuple[E, ...]:
        """The entries a command applies to: the marked ones, otherwise the one under the cursor."""
        selected = self.table.selected
        return self.table.marked or (() if selected is None else (selected,))

    def list_keys(self) -> list[tuple[str, str]]:
        """Return the keys of this tab and what they do."""
        keys = ((binding.key_display or binding.key, binding.tooltip) for _, binding in self._bindings)
        return list(dict.fromkeys((key, words) for key, words in keys if words))

    def offer(self, _entry: E) -> Mapping[str, Command]:
        """Return the commands that an entry offers, by action."""
        return {}

    def ask_about(self, _kind: DialogKind) -> tuple[Subject, ...] | None:
        """Return the subjects of a dialog; None where the chosen entries do not offer it."""
        return None

    def wanted(self, _entry: E) -> bool:
        """Return whether an entry is listed."""
        return True

    def ask_filter(self) -> None:
        """Open and focus the filter."""
        field = self.query_one(Input)
        field.display = True
        field.focus()

    def action_close_filter(self) -> None:
        """Close the filter and list all entries."""
        field = self.query_one(Input)
        field.value = ""
        field.display = False
        self.table.focus()

    def action_clear_marks(self) -> None:
        """Clear all marks."""
        self.table.clear_marks()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what the chosen entries allow, while the agent is connected."""
        if action == "command":
            return parameters[0] in self._possible
        if action == "dialog":
            return self._is_live() and self.ask_about(DialogKind(str(parameters[0]))) is not None
        if action in {"close_filter", "clear_marks"}:
            filters = self._is_open and self.query_one(Input).display
            return (
                filters
                if action == "close_filter"
                else self._is_open and not filters and bool(self.table.marked)
            )
        if action == "copy":
            return self.table.selected is not None
        return super().check_action(action, parameters)

    def action_command(self, word: str) -> None:
        """Request a command for the chosen entries."""
        if commands := self._possible.get(word):
            self.post_message(RunCommands(commands))

    def action_dialog(self, kind: str) -> None:
        """Open a dialog for the chosen entries."""
        about = self.ask_about(DialogKind(kind))
        if about is not None:
            self.post_message(OpenDialog(DialogKind(kind), about))

    def action_turn(self, step: int) -> None:
        """Show another section of the selected entry."""
        self.detail.turn(step)

    def action_scroll_detail(self, lines: int) -> None:
        """Scroll the selected entry."""
        self.detail.scroll_by(lines)

    def action_copy(self) -> None:
        """Copy what identifies the selected entry, such as its path."""
        if (entry := self.table.selected) is not None:
            self.copy(self.listing.copied(entry))

    def copy(self, text: str) -> None:
        """Copy a text to the clipboard of the terminal (OSC 52), and notify."""
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied: {clip(text, _COPIED)}", timeout=3, markup=False)

    def show(self) -> None:
        """Show the current view; a hidden tab waits until it is opened."""
        if isinstance(self.parent, TabPane) and not self.parent.display:
            return
        view = self.app.view
        every = [] if view.snapshot is None else self.listing.pick(view.snapshot)
        listed = [entry for entry in every if self.wanted(entry)]
        sought = self.query_one(Input).value.strip().casefold()
        shown = [e for e in listed if sought in self.listing.words(e).casefold()] if sought else listed
        self.table.show_entries(shown)
        self.set_class(not self._is_live(), "-stale")
        self._show_explanation(view, none_at_all=not listed, none_found=not shown)
        self._show_detail()

    @on(Input.Changed)
    def _filter(self) -> None:
        self.show()

    @on(Input.Submitted)
    def _leave_filter(self) -> None:
        field = self.query_one(Input)
        field.display = bool(field.value)
        self.table.focus()

    @on(EntryTable.Changed)
    def _show_detail(self) -> None:
        self.detail.show(self.table.selected)
        self._possible = self._gather() if self._is_live() else {}
        offered = self._offered_now()
        if offered != self._offered:  # only on a change: the footer is drawn again
            self._offered = offered
            self.refresh_bindings()

    def _show_explanation(self, view: View, *, none_at_all: bool, none_found: bool) -> None:
        # Not hidden: a hidden table loses the focus for good.
        self.table.set_class(none_found, "-empty")
        words = self.query_one(".explanation", Static)
        words.display = none_found
        if none_at_all:
            words.update(self._explain_empty(view))
        elif none_found:
            words.update(
                Content(f"Nothing matches “{clean(self.query_one(Input).value)}”. Escape shows all.")
            )

    def _gather(self) -> Mapping[str, tuple[Command, ...]]:
        gathered: dict[str, list[Command]] = {}
        for entry in self.chosen:
            for word, command in self.offer(entry).items():
                gathered.setdefault(word, []).append(command)
        return {word: tuple(commands) for word, commands in gathered.items()}

    def _offered_now(self) -> object:
        dialogs = frozenset(kind for kind in DialogKind if self.ask_about(kind) is not None)
        marks = bool(self.table.marked)
        return frozenset(self._possible), dialogs, self._is_live(), self.table.selected is None, marks

    def _is_live(self) -> bool:
        return isinstance(self.app.view.connection, Connected)
