"""Replacing our own keys.

Owns the plain words about what that means for others.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuishare.api.messages import People
from tuishare.tui.cell_text import clip
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.form import Form, FormResult
from tuishare.tui.theme import TextStyle

_DOES = (
    "You get a new card. Your shares are sealed and signed again: new envelopes (NAME.torrent.encrypted) appear in "
    "the outbox and must reach the recipients. Their agents accept the new card by the old card's signature; give it "
    "to them yourself, too. You can still open what was sealed for your old card."
)
_CANNOT = "If your old keys were stolen, the thief can do the same: tell the others in another way."


class RotateScreen(Form):
    """Asks before our identity is replaced.

    Args:
        people: with our current card.
    """

    HEADING = "Replace your keys?"
    ACCEPT_LABEL = "Replace"
    DESTRUCTIVE = True

    def __init__(self, people: People) -> None:
        super().__init__()
        self._people = people

    def compose_fields(self) -> ComposeResult:
        """Compose what is replaced, and what follows."""
        yield Static(Content("Your current card:"))
        yield Static(show_fingerprint(self._people.words, self._people.fingerprint))
        yield Static(Content(_DOES), classes="aside -apart")
        yield Static(Content.styled(_CANNOT, TextStyle.WARN.value), classes="aside")

    async def submit(self) -> FormResult:
        """Replace the keys."""
        fingerprint = (await self.app.agent.rotate_identity()).id
        return FormResult(
            f"Your new card's fingerprint is {clip(fingerprint, 60)}. Press c under People to copy the card."
        )
