"""The first minute: your name, your folders, your card.

Owns the three steps and their words. Each step can be skipped, and what was done in a step stays done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import People, Snapshot, Status
from tuishare.api.people import SettingChange
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.add_user import AddUserScreen
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.path_picker import PathSuggester, expand, find_path_fault
from tuishare.tui.theme import TextStyle

SENTENCE: Final = (
    "This is my tuishare card. Add it under People, send me yours, and let us read each other the fingerprint's words "
    "before we trust them:"
)
"""What goes along with a card."""

_FOLDERS: Final = (
    ("inbox", "Inbox", "encrypted torrents that you were sent: put them here"),
    ("outbox", "Outbox", "encrypted torrents for others: send them on from here"),
    ("downloads", "Downloads", "where received files land"),
)

_CARD = 68  # cells; all of it has about two thousand


class NameScreen(Form):
    """The first step.

    Args:
        snapshot: how things stand.
    """

    HEADING = "Welcome to tuishare · 1 of 3 · your name"
    ACCEPT_LABEL = "Next"
    CANCEL_LABEL = "Skip"

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot

    def compose_fields(self) -> ComposeResult:
        """Ask for it."""
        yield Static(
            Content(
                "Files that you drop into a folder arrive at the people you choose, and nobody else can join or "
                "look. First: how are you called? Others see it on your card."
            ),
            classes="aside",
        )
        yield Field("Your name", Input(clean(self._snapshot.status.name), id="name", compact=True))

    def validate(self) -> Iterator[FieldError]:
        """Some name."""
        if not self.query_one("#name", Input).value.strip():
            yield FieldError("name", "Give yourself a name.")

    async def submit(self) -> FormResult:
        """Set it, if it is another."""
        name = self.query_one("#name", Input).value.strip()
        if name != self._snapshot.status.name:
            await self.app.agent.change_setting(SettingChange(key="name", value=name))
        return FormResult(following=FoldersScreen(self._snapshot.status))


class FoldersScreen(Form):
    """The second step.

    Args:
        status: where the folders are now.
    """

    HEADING = "Welcome to tuishare · 2 of 3 · your folders"
    ACCEPT_LABEL = "Next"
    CANCEL_LABEL = "Skip"

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._before = {"inbox": status.inbox, "outbox": status.outbox, "downloads": status.downloads}

    def compose_fields(self) -> ComposeResult:
        """Show where they are; each can be elsewhere."""
        for key, label, words in _FOLDERS:
            suggester = PathSuggester(folders_only=True)
            yield Field(label, Input(clean(self._before[key]), suggester=suggester, id=key, compact=True))
            yield Static(Content.styled(words, TextStyle.QUIET.value), classes="under")
        yield Static(
            Content("Drop folders, for what you share, come with the first person (tab Folders, n)."),
            classes="aside -apart",
        )

    def validate(self) -> Iterator[FieldError]:
        """Paths."""
        for key, _, _ in _FOLDERS:
            if fault := find_path_fault(self.query_one(f"#{key}", Input).value):
                yield FieldError(key, fault)

    async def submit(self) -> FormResult:
        """Set those that are elsewhere now."""
        restart: list[str] = []
        for key, path in self._before.items():
            chosen = str(expand(self.query_one(f"#{key}", Input).value))
            if chosen != path:
                change = SettingChange(key=f"folders.{key}", value=chosen)
                restart += (await self.app.agent.change_setting(change)).restart
                self._before[key] = chosen
        words = f"After a restart of the agent: {clean(', '.join(restart))}" if restart else ""
        return FormResult(words, SummaryScreen())


class CardScreen(Form):
    """The third step, and by itself: our card, and the sentence to send along."""

    HEADING = "Your card"
    ACCEPT_LABEL = "Add somebody"
    CANCEL_LABEL = "Close"

    def compose_fields(self) -> ComposeResult:
        """Say what a card is for, and show it."""
        people = self._people
        yield Static(
            Content(
                "Your card is how others know you; it is not secret. It is on the clipboard, with this sentence:"
            ),
            classes="aside",
        )
        yield Static(Content.styled(SENTENCE, TextStyle.QUIET.value), classes="aside -apart")
        yield Static(Content(fit(people.card, _CARD)), id="card", classes="-apart")
        yield Static(show_fingerprint(people.words, people.fingerprint), classes="-apart")
        yield Static(
            Content.styled("Where a terminal has no clipboard: tuishare card", TextStyle.QUIET.value),
            classes="aside",
        )

    def compose_answers(self) -> ComposeResult:
        """Once more."""
        yield Button("Copy again", id="copy", compact=True)

    def on_mount(self) -> None:
        """Copy at once."""
        super().on_mount()
        self._copy()
        self.query_one("#accept").focus()

    async def submit(self) -> FormResult:
        """Go on to the first person."""
        return FormResult(following=AddUserScreen())

    @property
    def _people(self) -> People:
        snapshot = self.app.view.snapshot
        return snapshot.people if snapshot else People()

    @on(Button.Pressed, "#copy")
    def _copy(self) -> None:
        if card := self._people.card:
            self.app.copy_to_clipboard(f"{SENTENCE}\n\n{card}\n")
            self.app.notify("Your card is on the clipboard, if your terminal allows that.", markup=False)


class SummaryScreen(CardScreen):
    """The third step."""

    HEADING = "Welcome to tuishare · 3 of 3 · your card"
