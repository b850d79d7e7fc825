"""The invitations that were given out, and those that are being used: what became of each, and ending one.

Owns the list. What cancelling means is asked before it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from tuishare.api.messages import Invitation, InvitationNamed, Joiner, JoinerAnswer, JoinerState, Joining
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.invitations import (
    describe_asking,
    describe_invitation,
    describe_joiner,
    describe_waiting,
)
from tuishare.tui.cell_text import clean, fit, pad
from tuishare.tui.confirmations import Confirmation
from tuishare.tui.screens.confirm import ConfirmScreen
from tuishare.tui.screens.form import Form
from tuishare.tui.theme import TextStyle

AnyInvitation: TypeAlias = Invitation | Joining
_WHOM: Final = 20
_NONE: Final = "There is no invitation. Press i under People to make one, o to use one."
_UNUSED: Final = "It can no longer be used to join."


class InvitationsScreen(Form):
    """Lists the invitations that are being used, then those that were given out, newest first."""

    HEADING = "Invitations"
    CANCEL_LABEL = "Close"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "end", "Cancel it", show=False),
        Binding("a", "answer(True)", "Approve", show=False),
        Binding("d", "answer(False)", "Decline", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, AnyInvitation] = {}

    def compose_fields(self) -> ComposeResult:
        """Compose the list, and the words about the chosen one."""
        yield OptionList(id="invitations", compact=True)
        yield Static(id="about", classes="-apart")

    def compose_answers(self) -> ComposeResult:
        """Offer to cancel the chosen one, and to answer who asks to join by it."""
        yield Button("Cancel it …  x", id="end", variant="error", compact=True)
        yield Button("Decline  d", id="decline", compact=True)
        yield Button("Approve  a", id="approve", variant="success", compact=True)

    def on_mount(self) -> None:
        """Ask the agent for the lists."""
        super().on_mount()
        self.query_one("#invitations").focus()
        self._list_again()

    def action_end(self) -> None:
        """Ask, then cancel the chosen invitation."""
        if (chosen := self._chosen) is not None:
            self.app.push_screen(
                ConfirmScreen(confirm_ending(chosen)), lambda agreed: self._end(chosen) if agreed else None
            )

    def action_answer(self, approve: bool) -> None:
        """Answer the first who asks to join by the chosen invitation; before they are let in, show who it is."""
        chosen = self._chosen
        if chosen is None or not (asking := self._joiners_asking):
            return
        first = asking[0]
        answer = JoinerAnswer(id=chosen.id, fingerprint=first.fingerprint, approve=approve)

        def give(agreed: bool | None) -> None:
            if agreed:
                self._do(lambda: self.app.agent.answer_joiner(answer))

        if approve:
            self.app.push_screen(ConfirmScreen(confirm_approval(first)), give)
        else:
            give(agreed=True)

    @property
    def _chosen(self) -> AnyInvitation | None:
        options = self.query_one(OptionList)
        if options.highlighted is None or not options.option_count:
            return None
        return self._entries.get(options.get_option_at_index(options.highlighted).id or "")

    @property
    def _joiners_asking(self) -> list[Joiner]:
        """Those who ask to join by the chosen invitation."""
        chosen = self._chosen
        joiners = chosen.joiners if isinstance(chosen, Invitation) else ()
        return [joiner for joiner in joiners if joiner.state is JoinerState.ASKS]

    def _list_again(self) -> None:
        self.run_worker(self._list(), name="list", group="list", exclusive=True)

    async def _list(self) -> None:
        try:
            joins, given = await self.app.agent.joins(), await self.app.agent.invitations()
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            self.show_error(self.app.make_presentable(error))
            return
        entries: list[AnyInvitation] = [*reversed(joins), *reversed(given)]
        self._entries = {f"{type(each).__name__}-{each.id}": each for each in entries}
        options = self.query_one(OptionList)
        row = options.highlighted or 0
        options.clear_options()
        options.add_options([Option(self._line(each), id=key) for key, each in self._entries.items()])
        options.highlighted = min(row, len(entries) - 1) if entries else None
        self._describe()

    def _line(self, entry: AnyInvitation) -> Content:
        if isinstance(entry, Joining):
            return Content.assemble(
                (pad("joining", _WHOM), TextStyle.WARN.value), f"  until {format_timestamp(entry.until)}"
            )
        members = ", ".join(member.user for member in entry.members)
        anyone = "one person" if entry.uses == 1 else f"{entry.uses:,} people"
        whom = pad(fit(entry.name or members or anyone, _WHOM), _WHOM)
        state = clean(describe_invitation(entry, self.app.clock(), format_timestamp))
        return Content.assemble((whom, TextStyle.STRONG.value), f"  {state}")

    @on(OptionList.OptionHighlighted)
    def _describe(self) -> None:
        chosen, asking = self._chosen, bool(self._joiners_asking)
        self.query_one("#end", Button).disabled = chosen is None
        for button in self.query("#approve, #decline"):
            button.display = asking
        words = self.query_one("#about", Static)
        match chosen:
            case None:
                words.update(Content.styled(_NONE, TextStyle.QUIET.value))
            case Joining():
                words.update(Content(clean(describe_waiting(chosen, format_timestamp))))
            case Invitation():
                words.update(Content("\n".join(_describe_given(chosen))))

    def _end(self, entry: AnyInvitation) -> None:
        named = InvitationNamed(id=entry.id)
        if isinstance(entry, Joining):
            self._do(lambda: self.app.agent.cancel_join(named))
        else:
            self._do(lambda: self.app.agent.cancel_invitation(named))

    def _do(self, request: Callable[[], Awaitable[object]]) -> None:
        async def do() -> None:
            try:
                await request()
            except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
                self.show_error(self.app.make_presentable(error))
            self._list_again()

        self.run_worker(do(), name="do", group="do")

    @on(Button.Pressed, "#end")
    def _on_end(self) -> None:
        self.action_end()

    @on(Button.Pressed, "#approve")
    @on(Button.Pressed, "#decline")
    def _on_answer(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "approve")


def confirm_ending(entry: AnyInvitation) -> Confirmation:
    """Return the question before an invitation is cancelled."""
    title = "Cancel this invitation?"
    if isinstance(entry, Joining):
        return Confirmation(title, "that you use", (), "Its sender is called no longer.", "Cancel it")
    facts = (f"made {format_timestamp(entry.created)}",)
    members = ", ".join(clean(member.user) for member in entry.members)
    if not members:
        return Confirmation(title, f"for {entry.name or 'one person'}", facts, _UNUSED, "Cancel it")
    removed = ", ".join(clean(member.user) for member in entry.members if not member.was_known)
    left = ", ".join(clean(member.user) for member in entry.members if member.was_known)
    lost = [f"{removed}: removed from your users, and from everything that you share."] if removed else []
    if left:
        lost.append(f"{left}: only the trust and the groups that it gave are taken back.")
    label = "Cancel and remove" if removed else "Cancel it"
    return Confirmation(title, f"used by {members}", facts, " ".join(lost), label)


def confirm_approval(joiner: Joiner) -> Confirmation:
    """Return the question before one who asks is let in."""
    facts = tuple(map(clean, describe_asking(joiner)))
    return Confirmation("Let them join?", joiner.called, facts, "They become a user of yours.", "Approve")


def _describe_given(invitation: Invitation) -> list[str]:
    lines = [f"Made {format_timestamp(invitation.created)}, ends {format_timestamp(invitation.until)}."]
    if invitation.groups:
        lines.append("Groups: " + " ".join(f"@{clean(group)}" for group in invitation.groups))
    for joiner in invitation.joiners:
        lines.append(f"{clean(joiner.called)} {clean(describe_joiner(joiner, format_timestamp))}")
        lines.append(f"  called from {clean(joiner.address)}; words: {clean(joiner.words)}")
        lines.append(f"  fingerprint: {clean(joiner.fingerprint)}")
    return lines
