"""One tab's inside: filter, table, words for when it is empty, and the selected entry in full.

Owns how these four play together, for shares and for downloads alike. Must not talk to the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from tuishare.api.messages import Download, Share, Snapshot
from tuishare.tui.columns import DOWNLOAD_COLUMNS, SHARE_COLUMNS, Column
from tuishare.tui.details import describe_download, describe_share
from tuishare.tui.formats import clean
from tuishare.tui.invitations import invite_to_receive, invite_to_share
from tuishare.tui.orders import Deed, offer_for_download, offer_for_share
from tuishare.tui.view import Live, View
from tuishare.tui.widgets.table import EntryTable

if TYPE_CHECKING:
    from tuishare.tui.app import Dashboard

E = TypeVar("E", bound=Share | Download)

_PAUSE: Final = (
    Binding("space", "order('pause')", "Pause"),
    Binding("space", "order('resume')", "Resume"),
)
_END: Final = (
    Binding("f", "order('forget')", "Forget"),
    Binding("D", "order('delete')", "Delete", key_display="D"),
)


class EntryPane(Vertical, Generic[E]):
    """Shows the entries of one kind.

    Args:
        columns: of the table.
        pick: takes the entries out of a snapshot.
        describe: the selected entry in full, for a width.
        invite: what to say while there is none.
        words: texts of an entry that the filter searches.
        offer: what can be ordered of an entry, by the order's word.
        id: of the widget.
    """

    app: Dashboard

    def __init__(
        self,
        columns: Sequence[Column[E]],
        pick: Callable[[Snapshot], Iterable[E]],
        describe: Callable[[E, int], Content],
        invite: Callable[[View], Content],
        words: Callable[[E], str],
        offer: Callable[[E], Mapping[str, Deed]],
        *,
        id: str,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._pick = pick
        self._describe = describe
        self._invite = invite
        self._words = words
        self._offer = offer
        self._offered: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        """Put the four parts together."""
        yield Input(placeholder="filter by name or user", classes="filter", compact=True)
        yield EntryTable(self._columns, self.app.clock, id=f"{self.id}-table")
        yield Static(classes="invitation")
        with VerticalScroll(classes="detail"):
            yield Static(classes="words")

    def on_mount(self) -> None:
        """Follow the app."""
        self.query_one(Input).display = False
        self.watch(self.app, "view", self._show)

    @property
    def table(self) -> EntryTable[E]:
        """The table, for focus and for tests."""
        return self.query_one(EntryTable)

    def ask_filter(self) -> None:
        """Open the filter and put the cursor into it."""
        field = self.query_one(Input)
        field.display = True
        field.focus()

    def on_key(self, event: events.Key) -> None:
        """Close the filter with Escape, wherever the cursor is in this pane."""
        field = self.query_one(Input)
        if event.key == "escape" and field.display:
            event.stop()
            field.value = ""
            field.display = False
            self.table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what fits the selected entry, as long as there is an agent to ask."""
        if action == "order":
            return parameters[0] in self._deeds()
        return super().check_action(action, parameters)

    def action_order(self, word: str) -> None:
        """Have that done with the selected entry."""
        if deed := self._deeds().get(word):
            self.app.take_deed(deed)

    def _deeds(self) -> Mapping[str, Deed]:
        entry = self.table.selected
        return self._offer(entry) if entry is not None and isinstance(self.app.view.link, Live) else {}

    @on(Input.Changed)
    def _filter(self) -> None:
        self._show()

    @on(Input.Submitted)
    def _leave_filter(self) -> None:
        field = self.query_one(Input)
        field.display = bool(field.value)
        self.table.focus()

    @on(DataTable.RowHighlighted)
    def _select(self) -> None:
        self._show_detail()

    def on_resize(self) -> None:
        """Cut the words to the new width."""
        self._show_detail()

    def _show(self) -> None:
        view = self.app.view
        every = [] if view.snapshot is None else sorted(self._pick(view.snapshot), key=_newest_first)
        wanted = self.query_one(Input).value.strip().casefold()
        shown = [entry for entry in every if wanted in self._words(entry).casefold()]
        self.table.show_entries(shown)
        self.set_class(not isinstance(view.link, Live), "-stale")
        self._show_invitation(view, none_at_all=not every, none_found=not shown)
        self._show_detail()

    def _show_invitation(self, view: View, *, none_at_all: bool, none_found: bool) -> None:
        self.table.display = not none_found
        words = self.query_one(".invitation", Static)
        words.display = none_found
        if none_at_all:
            words.update(self._invite(view))
        elif none_found:
            words.update(
                Content(f"Nothing matches “{clean(self.query_one(Input).value)}”. Escape shows all.")
            )

    def _show_detail(self) -> None:
        entry = self.table.selected
        self.query_one(".detail").display = entry is not None
        if entry is not None:
            self.query_one(".words", Static).update(self._describe(entry, self.size.width - 4))
        offered = frozenset(self._deeds())
        if offered != self._offered:  # the footer is made anew, so only when it says something else
            self._offered = offered
            self.refresh_bindings()


class SharesPane(EntryPane[Share]):
    """What this agent publishes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_PAUSE,
        Binding("s", "order('again')", "Share again"),
        *_END,
    ]

    def __init__(self) -> None:
        super().__init__(
            SHARE_COLUMNS,
            lambda snapshot: snapshot.shares,
            describe_share,
            invite_to_share,
            lambda share: " ".join((share.name, *share.recipients)),
            offer_for_share,
            id="shares-pane",
        )


class DownloadsPane(EntryPane[Download]):
    """What this agent receives."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "order('approve')", "Approve"),
        Binding("x", "order('reject')", "Reject"),
        *_PAUSE,
        *_END,
    ]

    def __init__(self) -> None:
        super().__init__(
            DOWNLOAD_COLUMNS,
            lambda snapshot: snapshot.downloads,
            describe_download,
            invite_to_receive,
            lambda download: f"{download.name} {download.sender}",
            offer_for_download,
            id="downloads-pane",
        )


def _newest_first(entry: Share | Download) -> tuple[int, str]:
    return -entry.added, entry.id
