"""Inviting a user: the question, and the string to send.

Owns both dialogs; the open invitations are listed by `tuishare.tui.screens.invitations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import Invitation, JoinerState, NewInvitation
from tuishare.config.expiry import parse_expiry
from tuishare.errors import BadInput, TuishareError
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.invitations import describe_joiner, describe_words
from tuishare.presentation.pasted_input import split_groups
from tuishare.presentation.problems import explain_error
from tuishare.tui.cell_text import clean
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.invitations import InvitationsScreen
from tuishare.tui.screens.qr_code import QrCodeScreen
from tuishare.tui.screens.recipients import MarkCheckbox
from tuishare.tui.theme import TextStyle

_NAME: Final = 256
_MOST: Final = 1_000
"""Uses of one invitation; those who join by one for several are not verified."""
_LOOK_SECONDS: Final = 1.0
"""Between looks at whether the invitation was used."""
_EXPLAINED: Final = (
    "An invitation is one line of text. Send it to one person over a channel that no one else reads; once they have "
    "joined with it, you know and trust each other, and what you share reaches them by itself."
)


class InviteScreen(Form):
    """Asks for whom an invitation is."""

    HEADING = "Invite"
    ACCEPT_LABEL = "Invite"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "list_open", "Given out", show=False, priority=True)
    ]

    def compose_fields(self) -> ComposeResult:
        """Compose an explanation, name, groups and end."""
        yield Static(Content(_EXPLAINED), classes="aside")
        yield Field(
            "Name", Input(placeholder="your name for them; empty: their own", id="name", compact=True)
        )
        yield Field("Groups", Input(placeholder="they join these, such as: crew", id="groups", compact=True))
        yield Field("For", Input("1", placeholder="how many people", id="uses", compact=True))
        yield Field("Approval", MarkCheckbox("you approve each of them first", id="ask"))
        yield Field("Ends in", Input("7d", placeholder="12h, 7d, 2w or 2026-12-31", id="ends", compact=True))

    def compose_answers(self) -> ComposeResult:
        """Offer the list of those that were given out."""
        yield Button("Given out …  ^o", id="list", compact=True)

    def on_mount(self) -> None:
        """Focus the name."""
        super().on_mount()
        self.query_one("#name").focus()

    def validate(self) -> Iterator[FieldError]:
        """Require a future end, and a name of allowed length."""
        if len(self._text("name")) > _NAME:
            yield FieldError("name", f"Use at most {_NAME} characters.")
        uses = self._text("uses")
        if not (uses.isdecimal() and 1 <= int(uses) <= _MOST):
            yield FieldError("uses", f"Enter a number from 1 to {_MOST:,}.")
        elif int(uses) > 1 and self._text("name"):
            yield FieldError("name", "Leave it empty: several people cannot have one name.")
        try:
            parse_expiry(self._text("ends"), self.app.clock())
        except BadInput as error:
            yield FieldError("ends", explain_error(error))

    async def submit(self) -> FormResult:
        """Make the invitation, and show it."""
        new = NewInvitation(
            name=self._text("name"),
            groups=split_groups(self._text("groups")),
            until=parse_expiry(self._text("ends"), self.app.clock()),
            uses=int(self._text("uses")),
            ask=self.query_one("#ask", MarkCheckbox).value,
        )
        return FormResult(following=InvitationScreen(await self.app.agent.invite(new)))

    def action_list_open(self) -> None:
        """Show the invitations that were given out."""
        app = self.app
        self.dismiss()
        app.push_screen(InvitationsScreen())

    def _text(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()

    @on(Button.Pressed, "#list")
    def _on_list(self) -> None:
        self.action_list_open()


class InvitationScreen(Form):
    """Shows the string, and who has joined with it.

    Args:
        invitation: as it was made; only here it has its string.
    """

    HEADING = "Your invitation"
    CANCEL_LABEL = "Close"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy", show=False),
        Binding("r", "show_code", "QR code", show=False),
    ]

    def __init__(self, invitation: Invitation) -> None:
        super().__init__()
        self._invitation = invitation

    def compose_fields(self) -> ComposeResult:
        """Compose what to do with the string, the string, and what has become of it."""
        made = self._invitation
        whom = clean(made.name) or ("one person" if made.uses == 1 else f"{made.uses:,} people at most")
        yield Static(
            Content(
                f"It is on the clipboard. Send it to {whom}, over a channel that no one else reads. "
                "They press o under People, or run: tuishare join STRING"
            ),
            classes="aside",
        )
        yield Static(Content.styled(clean(made.text), TextStyle.STRONG.value), id="string", classes="-apart")
        yield Static(
            Content.styled(
                f"It ends {format_timestamp(made.until)}. It is not shown again.", TextStyle.QUIET.value
            ),
            classes="aside -apart",
        )
        yield Static(Content("Waiting for them to join …"), id="joined", classes="-apart")

    def compose_answers(self) -> ComposeResult:
        """Offer to copy again, and the QR code."""
        yield Button("Copy  c", id="copy", compact=True)
        yield Button("QR code  r", id="code", compact=True)

    def on_mount(self) -> None:
        """Copy the string, and look from now on whether it was used."""
        super().on_mount()
        self.action_copy()
        self.query_one("#copy").focus()
        self.set_interval(_LOOK_SECONDS, self._look)

    def action_copy(self) -> None:
        """Copy the string to the terminal's clipboard."""
        self.app.copy_to_clipboard(self._invitation.text)
        self.app.notify("The invitation is on the clipboard, if your terminal allows that.", markup=False)

    def action_show_code(self) -> None:
        """Show the string as a QR code."""
        self.app.push_screen(QrCodeScreen(self._invitation.text))

    def _look(self) -> None:
        self.run_worker(self._show_state(), name="look", group="look", exclusive=True)

    async def _show_state(self) -> None:
        try:
            listed = await self.app.agent.invitations()
        except TuishareError:
            return  # the banner tells that the agent is lost
        found = next((each for each in listed if each.id == self._invitation.id), None)
        if found is None:
            self._say("It was cancelled.", TextStyle.WARN)
        elif found.joiners:
            last = found.joiners[-1]
            what = f"{last.called} {describe_joiner(last, format_timestamp)}."
            asks = " Press ^o under i to answer." if last.state is JoinerState.ASKS else ""
            self._say(f"{clean(what)} {clean(describe_words(last.words))}{asks}", TextStyle.GOOD)

    def _say(self, words: str, tone: TextStyle) -> None:
        self.query_one("#joined", Static).update(Content.styled(words, tone.value))

    @on(Button.Pressed, "#copy")
    def _on_copy(self) -> None:
        self.action_copy()

    @on(Button.Pressed, "#code")
    def _on_code(self) -> None:
        self.action_show_code()
