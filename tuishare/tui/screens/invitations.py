"""The invitations that were given out: what became of each, and cancelling one.

Owns the list. What cancelling means is asked before it is done.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from tuishare.api.messages import Invitation, InvitationNamed
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.invitations import describe_invitation, describe_words
from tuishare.tui.cell_text import clean, fit, pad
from tuishare.tui.confirmations import Confirmation
from tuishare.tui.screens.confirm import ConfirmScreen
from tuishare.tui.screens.form import Form
from tuishare.tui.theme import TextStyle

_WHOM: Final = 20
_NONE: Final = "No invitation was given out. Press i under People to make one."
_UNUSED: Final = "It can no longer be used to join."


class InvitationsScreen(Form):
    """Lists the invitations, newest first."""

    HEADING = "Invitations that you gave out"
    CANCEL_LABEL = "Close"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "cancel_invitation", "Cancel it", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._invitations: dict[str, Invitation] = {}

    def compose_fields(self) -> ComposeResult:
        """Compose the list, and the words about the chosen one."""
        yield OptionList(id="invitations", compact=True)
        yield Static(id="about", classes="-apart")

    def compose_answers(self) -> ComposeResult:
        """Offer to cancel the chosen one."""
        yield Button("Cancel the invitation …  x", id="revoke", variant="error", compact=True)

    def on_mount(self) -> None:
        """Ask the agent for the list."""
        super().on_mount()
        self.query_one("#invitations").focus()
        self._ask_again()

    def action_cancel_invitation(self) -> None:
        """Ask, then cancel the chosen invitation."""
        if (chosen := self._chosen) is not None:
            self.app.push_screen(
                ConfirmScreen(confirm_cancelling(chosen)),
                lambda agreed: self._cancel(chosen) if agreed else None,
            )

    @property
    def _chosen(self) -> Invitation | None:
        options = self.query_one(OptionList)
        if options.highlighted is None or not options.option_count:
            return None
        return self._invitations.get(options.get_option_at_index(options.highlighted).id or "")

    def _ask_again(self) -> None:
        self.run_worker(self._list(), name="list", group="list", exclusive=True)

    async def _list(self) -> None:
        try:
            listed = await self.app.agent.invitations()
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            self.show_error(self.app.make_presentable(error))
            return
        self._invitations = {each.id: each for each in reversed(listed)}
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(self._line(each), id=each.id) for each in self._invitations.values()])
        options.highlighted = 0 if self._invitations else None
        self._describe()

    def _line(self, invitation: Invitation) -> Content:
        whom = pad(fit(invitation.name or invitation.user or "one person", _WHOM), _WHOM)
        state = clean(describe_invitation(invitation, self.app.clock(), format_timestamp))
        return Content.assemble((whom, TextStyle.STRONG.value), f"  {state}")

    @on(OptionList.OptionHighlighted)
    def _describe(self) -> None:
        chosen, words = self._chosen, self.query_one("#about", Static)
        self.query_one("#revoke", Button).disabled = chosen is None
        if chosen is None:
            words.update(Content.styled(_NONE, TextStyle.QUIET.value))
            return
        lines = [f"Made {format_timestamp(chosen.created)}, ends {format_timestamp(chosen.until)}."]
        if chosen.groups:
            lines.append("Groups: " + " ".join(f"@{clean(group)}" for group in chosen.groups))
        if chosen.used:
            lines += [f"Called from {clean(chosen.address)}.", clean(describe_words(chosen.words))]
        words.update(Content("\n".join(lines)))

    def _cancel(self, invitation: Invitation) -> None:
        async def cancel() -> None:
            try:
                await self.app.agent.cancel_invitation(InvitationNamed(id=invitation.id))
            except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
                self.show_error(self.app.make_presentable(error))
            self._ask_again()

        self.run_worker(cancel(), name="cancel", group="cancel")

    @on(Button.Pressed, "#revoke")
    def _on_revoke(self) -> None:
        self.action_cancel_invitation()


def confirm_cancelling(invitation: Invitation) -> Confirmation:
    """Return the question before an invitation is cancelled."""
    facts = (f"made {format_timestamp(invitation.created)}",)
    if not invitation.used:
        name = invitation.name or "one person"
        return Confirmation("Cancel this invitation?", f"for {name}", facts, _UNUSED, "Cancel it")
    user = clean(invitation.user)
    lost = f"{user} has used it: they are removed from your users, and from everything that you share."
    return Confirmation("Cancel this invitation?", f"used by {user}", facts, lost, "Cancel and remove")
