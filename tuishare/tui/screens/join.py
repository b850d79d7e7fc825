"""Joining with an invitation of another user.

Owns what is shown once both sides know each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static, TextArea

from tuishare.api.messages import InvitationText, Joining
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.invitations import describe_waiting, describe_words
from tuishare.presentation.pasted_input import INVITATION_PREFIX, find_invitation
from tuishare.presentation.states import name_trust
from tuishare.tui.cell_text import clean, clip
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.theme import TextStyle

_LONGEST: Final = 4_096
_EXPLAINED: Final = (
    "Paste the invitation that you received. Your agent calls its sender; then you know and trust each other, and what "
    "they share with you arrives by itself."
)

_WATCH: Final = "You are told when it is done. To give up: press i under People, then ^o."
_BY_HAND: Final = "By hand: exchange cards. c under People copies yours, n adds one that you received."


class JoinScreen(Form):
    """Asks for an invitation."""

    HEADING = "Join"
    ACCEPT_LABEL = "Join"

    def compose_fields(self) -> ComposeResult:
        """Compose an explanation and the field for the string."""
        yield Static(Content(_EXPLAINED), classes="aside")
        area = TextArea(
            id="invitation", compact=True, tab_behavior="focus", placeholder=f"paste {INVITATION_PREFIX}v1:…"
        )
        yield Field("Invitation", area)

    def on_mount(self) -> None:
        """Focus the field."""
        super().on_mount()
        self.query_one("#invitation").focus()

    def validate(self) -> Iterator[FieldError]:
        """Require a text that can be an invitation."""
        text = self._text
        if not text.startswith(INVITATION_PREFIX):
            yield FieldError("invitation", f"An invitation begins with {INVITATION_PREFIX}v1:")
        elif len(text) > _LONGEST:
            yield FieldError("invitation", "This text is too long to be an invitation.")

    async def submit(self) -> FormResult:
        """Join, and show the words."""
        joined = await self.app.agent.join(InvitationText(text=self._text))
        return FormResult(following=JoinedScreen(joined) if joined.user else JoiningScreen(joined))

    @property
    def _text(self) -> str:
        return find_invitation(self.query_one("#invitation", TextArea).text)


class JoinedScreen(Form):
    """Tells who is known now.

    Args:
        joined: the inviter.
    """

    HEADING = "You have joined"
    CANCEL_LABEL = "Close"

    def __init__(self, joined: Joining) -> None:
        super().__init__()
        self._joined = joined

    def compose_fields(self) -> ComposeResult:
        """Compose name, trust and words."""
        joined = self._joined
        yield Static(
            Content.assemble(
                (clip(joined.user, 60), TextStyle.STRONG.value),
                f" is known to you now ({name_trust(verified=joined.verified)}), and you to them.",
            )
        )
        yield Static(Content(clean(describe_words(joined.words))), classes="-apart")

    def on_mount(self) -> None:
        """Focus the only answer."""
        super().on_mount()
        self.query_one("#cancel").focus()


class JoiningScreen(Form):
    """Tells that the inviter was not reached, and what happens next.

    Args:
        joining: as the agent keeps it.
    """

    HEADING = "Not joined yet"
    CANCEL_LABEL = "Close"

    def __init__(self, joining: Joining) -> None:
        super().__init__()
        self._joining = joining

    def compose_fields(self) -> ComposeResult:
        """Compose why not, how long the agent tries, and the way by hand."""
        yield Static(Content(clean(describe_waiting(self._joining, format_timestamp))))
        yield Static(Content(_WATCH), classes="aside -apart")
        yield Static(Content(_BY_HAND), classes="aside -apart")

    def on_mount(self) -> None:
        """Focus the only answer."""
        super().on_mount()
        self.query_one("#cancel").focus()
