"""New keys for ourselves.

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
    "You get a new card. What you share is sealed and signed anew: new encrypted torrents appear in the outbox and "
    "must reach the others. Their agents take the new card by the old one's signature; give it to them as well. What "
    "was sealed for your old card can still be opened."
)
_CANNOT = "If somebody has stolen your old keys, he can do this too: tell the others by another way."


class RotateScreen(Form):
    """Asks before our identity is replaced.

    Args:
        people: our present card is shown from it.
    """

    HEADING = "Replace your keys?"
    ACCEPT_LABEL = "Replace"
    SAFE = False

    def __init__(self, people: People) -> None:
        super().__init__()
        self._people = people

    def compose_fields(self) -> ComposeResult:
        """Show what is replaced, and what follows."""
        yield Static(Content("Your present card:"))
        yield Static(show_fingerprint(self._people.words, self._people.fingerprint))
        yield Static(Content(_DOES), classes="aside -apart")
        yield Static(Content.styled(_CANNOT, TextStyle.WARN.value), classes="aside")

    async def submit(self) -> FormResult:
        """Replace them."""
        fingerprint = await self.app.agent.rotate_identity()
        return FormResult(
            f"Your new card's fingerprint is {clip(fingerprint, 60)}. Under People, c copies the card."
        )
