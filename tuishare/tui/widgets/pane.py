"""The content of a tab: filter, table, words for when it is empty, and the selected entry in full.

Owns how these four work together, for all tabs alike. Must not talk to the agent; a tab names its commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static, TabPane

from tuishare.api.messages import Details
from tuishare.tui.cell_text import clean, clip
from tuishare.tui.commands import Command
from tuishare.tui.dashboard_base import DashboardBase, DialogKind, OpenDialog, RunCommands, Subject
from tuishare.tui.tab_models import Listing
from tuishare.tui.view import Live, View
from tuishare.tui.widgets.detail import Detail, Section
from tuishare.tui.widgets.table import EntryTable

E = TypeVar("E")

_COPIED = 60


class EntryPane(Vertical, Generic[E]):
    """Shows the entries of one kind.

    Args:
        listing: what they are.
        sections: about the selected one.
        explain_empty: says what to do while there is none.
        ask: asks the agent for the details of an entry.
    """

    app: DashboardBase

    BINDINGS: ClassVar[list[BindingType]] = [
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
        """Show what the app knows now; when the tab is opened for the first time, compose its parts before."""
        async with self._opening:  # a key and Textual's own message may open it at once
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
        """The selected entry in full."""
        return self.query_one(Detail)

    @property
    def chosen(self) -> tuple[E, ...]:
        """What a command is about: what is marked, or else what the cursor is on."""
        selected = self.table.selected
        return self.table.marked or (() if selected is None else (selected,))

    def list_keys(self) -> list[tuple[str, str]]:
        """Return this tab's own keys and what they do."""
        bindings = [binding for _, binding in self._bindings if binding.tooltip]
        return [(binding.key_display or binding.key, binding.tooltip) for binding in bindings]

    def offer(self, _entry: E) -> Mapping[str, Command]:
        """Return the commands that fit an entry, by their action."""
        return {}

    def ask_about(self, _kind: DialogKind) -> tuple[Subject, ...] | None:
        """Return what a dialog would be about; None where it does not fit what is chosen."""
        return None

    def wanted(self, _entry: E) -> bool:
        """Return whether an entry is listed at all."""
        return True

    def ask_filter(self) -> None:
        """Open and focus the filter."""
        field = self.query_one(Input)
        field.display = True
        field.focus()

    def on_key(self, event: events.Key) -> None:
        """Close the filter with Escape, wherever the focus is in this pane; then clear the marks."""
        field = self.query_one(Input)
        if event.key != "escape":
            return
        if field.display:
            field.value = ""
            field.display = False
            self.table.focus()
        elif self.table.marked:
            self.table.clear_marks()
        event.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what fits the chosen entries, while an agent answers."""
        if action == "command":
            return parameters[0] in self._possible
        if action == "dialog":
            return self._is_live() and self.ask_about(DialogKind(str(parameters[0]))) is not None
        if action == "copy":
            return self.table.selected is not None
        return super().check_action(action, parameters)

    def action_command(self, word: str) -> None:
        """Give that command for what is chosen."""
        if commands := self._possible.get(word):
            self.post_message(RunCommands(commands))

    def action_dialog(self, kind: str) -> None:
        """Open a dialog about what is chosen."""
        about = self.ask_about(DialogKind(kind))
        if about is not None:
            self.post_message(OpenDialog(DialogKind(kind), about))

    def action_turn(self, step: int) -> None:
        """Show another section of the selected entry."""
        self.detail.turn(step)

    def action_scroll_detail(self, lines: int) -> None:
        """Show more of the selected entry."""
        self.detail.scroll_by(lines)

    def action_copy(self) -> None:
        """Copy what names the selected entry elsewhere, such as its path."""
        if (entry := self.table.selected) is not None:
            self.copy(self.listing.copied(entry))

    def copy(self, text: str) -> None:
        """Put a text into the clipboard of the terminal (OSC 52), and notify."""
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied: {clip(text, _COPIED)}", timeout=3, markup=False)

    def show(self) -> None:
        """Show what the app knows now. A tab out of sight waits until it is opened."""
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
        if offered != self._offered:  # the footer is composed again, so only when it changes
            self._offered = offered
            self.refresh_bindings()

    def _show_explanation(self, view: View, *, none_at_all: bool, none_found: bool) -> None:
        # Not hidden, because that would take the focus from it, and nothing would give it back.
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
        return frozenset(self._possible), dialogs, self._is_live(), self.table.selected is None

    def _is_live(self) -> bool:
        return isinstance(self.app.view.connection, Live)
