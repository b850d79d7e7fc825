"""Our own card: copying it, and replacing the keys behind it.

Owns the sentence that is copied with a card, and the explanation of what new keys mean for others.
"""

from __future__ import annotations

from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from tuishare.api.messages import People
from tuishare.presentation.consequences import KEYS_REPLACED, KEYS_STOLEN
from tuishare.tui.cell_text import clip, fit
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.add_user import AddUserScreen
from tuishare.tui.screens.form import Form, FormResult
from tuishare.tui.theme import TextStyle

SENTENCE: Final = (
    "This is my tuishare card. Add it under People and send me yours. Before we trust the cards, let us read the "
    "words of their fingerprints to each other:"
)
"""Copied with a card."""

_CARD = 68  # cells; a whole card has about two thousand


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


class RotateScreen(Form):
    """Asks before our identity is replaced.

    Args:
        people: holds our current card.
    """

    HEADING = "Replace your keys?"
    ACCEPT_LABEL = "Replace"
    DESTRUCTIVE = True

    def __init__(self, people: People) -> None:
        super().__init__()
        self._people = people

    def compose_fields(self) -> ComposeResult:
        """Show the current card and the consequence."""
        yield Static(Content("Your current card:"))
        yield Static(show_fingerprint(self._people.words, self._people.fingerprint))
        yield Static(Content(KEYS_REPLACED), classes="aside -apart")
        yield Static(Content.styled(KEYS_STOLEN, TextStyle.WARN.value), classes="aside")

    async def submit(self) -> FormResult:
        """Replace the keys."""
        fingerprint = (await self.app.agent.rotate_identity()).id
        return FormResult(
            f"Your new card's fingerprint is {clip(fingerprint, 60)}. Press c under People to copy the card."
        )
