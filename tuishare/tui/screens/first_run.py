"""The first run: your name, your folders, your card.

Owns the three steps and their wording. Each step can be skipped; what a step has saved stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import People, SettingChange, Snapshot, Status
from tuishare.presentation.states import ENVELOPE_EXPLAINED, FolderRole, explain_folder_role
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.add_user import AddUserScreen
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult, ask_for_restart
from tuishare.tui.screens.path_picker import PathSuggester, find_path_fault
from tuishare.tui.theme import TextStyle

SENTENCE: Final = (
    "This is my tuishare card. Add it under People and send me yours. Before we trust the cards, let us read the "
    "words of their fingerprints to each other:"
)
"""Copied with a card."""

_FOLDERS: Final = (FolderRole.INBOX, FolderRole.OUTBOX, FolderRole.DOWNLOADS)

_CARD = 68  # cells; a whole card has about two thousand


class NameScreen(Form):
    """The first step: your name.

    Args:
        snapshot: of the agent.
    """

    HEADING = "Welcome to tuishare · 1 of 3 · your name"
    ACCEPT_LABEL = "Next"
    CANCEL_LABEL = "Skip"

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot

    def compose_fields(self) -> ComposeResult:
        """Compose a welcome and the field for the name."""
        yield Static(
            Content(
                "Files that you put into a folder reach the users you choose; only they can join the swarm or see the "
                "files. What is your name? Others see it on your card."
            ),
            classes="aside",
        )
        yield Field("Your name", Input(clean(self._snapshot.status.name), id="name", compact=True))

    def validate(self) -> Iterator[FieldError]:
        """Require a name."""
        if not self.query_one("#name", Input).value.strip():
            yield FieldError("name", "Enter a name.")

    async def submit(self) -> FormResult:
        """Save the name, if it was changed."""
        name = self.query_one("#name", Input).value.strip()
        if name != self._snapshot.status.name:
            await self.app.agent.change_setting(SettingChange(key="name", value=name))
        return FormResult(following=FoldersScreen(self._snapshot.status))


class FoldersScreen(Form):
    """The second step: your folders.

    Args:
        status: where the folders are now.
    """

    HEADING = "Welcome to tuishare · 2 of 3 · your folders"
    ACCEPT_LABEL = "Next"
    CANCEL_LABEL = "Skip"

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._before: dict[str, str] = {
            FolderRole.INBOX: status.inbox,
            FolderRole.OUTBOX: status.outbox,
            FolderRole.DOWNLOADS: status.downloads,
        }

    def compose_fields(self) -> ComposeResult:
        """Compose a field for the path of each folder."""
        for role in _FOLDERS:
            suggester = PathSuggester(self.app.agent, folders_only=True)
            path = Input(clean(self._before[role]), suggester=suggester, id=role.value, compact=True)
            yield Field(role.value.capitalize(), path)
            yield Static(Content.styled(explain_folder_role(role), TextStyle.QUIET.value), classes="under")
        yield Static(Content(ENVELOPE_EXPLAINED), classes="aside -apart")
        yield Static(
            Content("Add drop folders later, once you have added a user: press 4, then n."), classes="aside"
        )

    def validate(self) -> Iterator[FieldError]:
        """Require paths."""
        for role in _FOLDERS:
            if fault := find_path_fault(self.query_one(f"#{role}", Input).value):
                yield FieldError(role.value, fault)

    async def submit(self) -> FormResult:
        """Save the changed paths."""
        restart: list[str] = []
        for key, path in self._before.items():
            chosen = self.query_one(f"#{key}", Input).value.strip()
            if chosen != path:
                change = SettingChange(key=f"folders.{key}", value=chosen)
                restart += (await self.app.agent.change_setting(change)).restart
                self._before[key] = chosen
        return FormResult(ask_for_restart(restart), SummaryScreen())


class CardScreen(Form):
    """Our card, and the sentence to send with it; also the third step."""

    HEADING = "Your card"
    ACCEPT_LABEL = "Add a user"
    CANCEL_LABEL = "Close"

    def compose_fields(self) -> ComposeResult:
        """Compose the sentence and the card."""
        people = self._people
        yield Static(
            Content(
                "Others know you by your card; it is not secret. It is on the clipboard, with this sentence:"
            ),
            classes="aside",
        )
        yield Static(Content.styled(SENTENCE, TextStyle.QUIET.value), classes="aside -apart")
        yield Static(Content(fit(people.card, _CARD)), id="card", classes="-apart")
        yield Static(show_fingerprint(people.words, people.fingerprint), classes="-apart")
        yield Static(
            Content.styled("If your terminal has no clipboard: tuishare card", TextStyle.QUIET.value),
            classes="aside",
        )

    def compose_answers(self) -> ComposeResult:
        """Offer to copy again."""
        yield Button("Copy again", id="copy", compact=True)

    def on_mount(self) -> None:
        """Copy the card."""
        super().on_mount()
        self._copy()
        self.query_one("#accept").focus()

    async def submit(self) -> FormResult:
        """Continue with adding a user."""
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
    """The third step: your card."""

    HEADING = "Welcome to tuishare · 3 of 3 · your card"
