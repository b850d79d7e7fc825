"""The dialogs about introductions: of a user whom another introduces to us, and of the members of a group.

Owns what is asked. Accepting never makes a user verified.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import (
    GroupChange,
    Introduction,
    IntroductionAccepted,
    IntroductionNamed,
    UserChange,
    UsersToIntroduce,
)
from tuishare.presentation.pasted_input import split_groups
from tuishare.presentation.row_models import Group
from tuishare.presentation.states import describe_introduction
from tuishare.tui.cell_text import clean, clip, fit
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.recipients import MarkCheckbox
from tuishare.tui.theme import TextStyle

_LONGEST, _NAME = 68, 40
_UNVERIFIED = "They become a user, not verified until you compare this with them:"


class IntroductionScreen(Form):
    """Shows whom a user introduces, and asks whether they become a user.

    Args:
        introduction: as shown in the list.
    """

    HEADING = "Introduction"
    ACCEPT_LABEL = "Accept"

    def __init__(self, introduction: Introduction) -> None:
        super().__init__()
        self._introduction = introduction

    def compose_fields(self) -> ComposeResult:
        """Compose who introduces whom, the fingerprint, and what can be chosen."""
        introduction = self._introduction
        words = clip(describe_introduction(introduction), _LONGEST)
        yield Static(Content.styled(words, TextStyle.STRONG.value))
        yield Static(Content.styled(_UNVERIFIED, TextStyle.QUIET.value))
        yield Static(show_fingerprint(introduction.words, introduction.fingerprint))
        placeholder = "another name: this one is taken" if introduction.taken else "the name on their card"
        yield Field("Name", Input(id="name", compact=True, placeholder=placeholder))
        yield Field("Groups", Input(id="groups", compact=True))
        yield Field("Approval", MarkCheckbox("what they send needs no approval", False, id="admitted"))
        always = f"accept whom {fit(introduction.introducer, _NAME)} introduces from now on"
        yield Field("Always", MarkCheckbox(always, False, id="always"))

    def compose_answers(self) -> ComposeResult:
        """Offer to decline."""
        yield Button("Decline", id="decline", compact=True)

    def validate(self) -> Iterator[FieldError]:
        """Leave all rules to the agent."""
        yield from ()

    async def submit(self) -> FormResult:
        """Accept, and then follow the introducer if that was chosen."""
        introduction, agent = self._introduction, self.app.agent
        accepted = await agent.accept_introduction(
            IntroductionAccepted(
                id=introduction.id,
                name=self.query_one("#name", Input).value.strip(),
                groups=split_groups(self.query_one("#groups", Input).value),
                admitted=self.query_one("#admitted", MarkCheckbox).value,
            )
        )
        if self.query_one("#always", MarkCheckbox).value:
            await agent.change_user(UserChange(name=introduction.introducer, introduces=True))
        return FormResult(
            f"{clean(accepted.id)} is a user now, introduced by {clean(introduction.introducer)}."
        )

    @on(Button.Pressed, "#decline")
    def _decline(self) -> None:
        self.ask(self._send_decline)

    async def _send_decline(self) -> FormResult:
        introduction = self._introduction
        await self.app.agent.decline_introduction(IntroductionNamed(id=introduction.id))
        return FormResult(f"Declined: {clean(introduction.name)}.")


class GroupScreen(Form):
    """Shows a group, and asks whether its members are introduced to each other.

    Args:
        group: as shown in the list.
    """

    HEADING = "Group"
    ACCEPT_LABEL = "Save"

    def __init__(self, group: Group) -> None:
        super().__init__()
        self._group = group

    def compose_fields(self) -> ComposeResult:
        """Compose the members and the switch."""
        group = self._group
        members = ", ".join(clean(user.name) for user in group.members)
        yield Static(
            Content.assemble(
                (fit(f"@{group.name}", _NAME), TextStyle.STRONG.value), f"  {clip(members, _NAME)}"
            )
        )
        yield Static(
            Content.styled(
                "Each verified member's card is given to all others, who accept it or not.",
                TextStyle.QUIET.value,
            )
        )
        switch = MarkCheckbox("introduce new members by themselves", group.introduced, id="introduce")
        yield Field("Introduce", switch)

    def compose_answers(self) -> ComposeResult:
        """Offer to introduce the present members once."""
        yield Button("Introduce now", id="now", compact=True)

    async def submit(self) -> FormResult:
        """Send the switch, if it was changed."""
        introduce = self.query_one("#introduce", MarkCheckbox).value
        if introduce is self._group.introduced:
            return FormResult("Nothing was changed.")
        await self.app.agent.change_group(GroupChange(name=self._group.name, introduce=introduce))
        return FormResult(f"Changed @{clean(self._group.name)}.")

    @on(Button.Pressed, "#now")
    def _introduce(self) -> None:
        self.ask(self._send_introduce)

    async def _send_introduce(self) -> FormResult:
        names = (f"@{self._group.name}",)
        introduced = await self.app.agent.introduce(UsersToIntroduce(names=names))
        left_out = f" Not verified: {clean(', '.join(introduced.left_out))}." if introduced.left_out else ""
        return FormResult(f"{len(introduced.users)} users are introduced to each other.{left_out}")
