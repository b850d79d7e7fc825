"""Replacing our own keys.

Owns the explanation of what that means for others.
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
    "You get a new card. Your shares are sealed and signed again: send their recipients the new envelopes (each the "
    "file NAME.torrent.encrypted in the outbox). Their agents accept the new card because the old one signs it; send "
    "it to them as well. You can still open what was sealed for your old card."
)
_CANNOT = "If your old keys were stolen, the thief can sign a new card as well: give others yours in person."


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
        yield Static(Content(_DOES), classes="aside -apart")
        yield Static(Content.styled(_CANNOT, TextStyle.WARN.value), classes="aside")

    async def submit(self) -> FormResult:
        """Replace the keys."""
        fingerprint = (await self.app.agent.rotate_identity()).id
        return FormResult(
            f"Your new card's fingerprint is {clip(fingerprint, 60)}. Press c under People to copy the card."
        )
