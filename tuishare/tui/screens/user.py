"""One user: groups, trust, a new card or key, revoking and removing.

Owns what can be changed about a known user.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from tuishare.api.messages import User, UserChange, UserKind, UserNamed
from tuishare.presentation.consequences import KEY_REPLACED, USER_REMOVED
from tuishare.presentation.formats import format_count
from tuishare.presentation.pasted_input import CARD_PREFIX, find_card, split_groups
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.key_dialog import KeyDialog
from tuishare.tui.screens.recipients import MarkCheckbox
from tuishare.tui.screens.revoke import RevokeUserScreen
from tuishare.tui.theme import TextStyle

_NAME, _FORMER = 40, 3


class UserScreen(Form):
    """Shows one user and asks for changes.

    Args:
        user: as shown in the list.
    """

    HEADING = "User"
    ACCEPT_LABEL = "Save"

    def __init__(self, user: User) -> None:
        super().__init__()
        self._user = user

    def compose_fields(self) -> ComposeResult:
        """Compose identity and trust of the user, then what can be changed."""
        user = self._user
        has = (
            f"has {user.complete:,} of {format_count(user.shares, 'share')}"
            if user.shares
            else "has no shares"
        )
        yield Static(Content.assemble((fit(user.name, _NAME), TextStyle.STRONG.value), f"  {has}"))
        if user.kind is UserKind.CARD:
            yield Static(show_fingerprint(user.words, user.fingerprint))
            yield from self._list_former()
            yield Field("Trust", MarkCheckbox("fingerprint verified", user.verified, id="verified"))
            if user.verified:
                words = "accept whom they introduce, without a question"
                yield Field("Introduces", MarkCheckbox(words, user.introduces, id="introduces"))
            elif user.introduced_by:
                words = "what they send needs no approval"
                yield Field("Approval", MarkCheckbox(words, user.admitted, id="admitted"))
        else:
            yield Field("Raw form", MarkCheckbox("accept raw files of their key", user.accept_raw, id="raw"))
        yield Field("Groups", Input(" ".join(user.groups), id="groups", compact=True))
        if user.kind is UserKind.CARD:
            area = TextArea(
                id="card", compact=True, tab_behavior="focus", placeholder="paste it if they have a new one"
            )
            yield Field("New card", area)

    def compose_answers(self) -> ComposeResult:
        """Offer what cannot be undone; each asks for confirmation."""
        yield Button("Remove …", id="remove", variant="error", compact=True)
        yield Button("Revoke …", id="revoke", variant="error", compact=True)
        if self._user.kind is UserKind.KEY:
            yield Button("New key …", id="renew", compact=True)

    def on_mount(self) -> None:
        """Focus the groups."""
        super().on_mount()
        self.query_one("#groups").focus()

    def validate(self) -> Iterator[FieldError]:
        """Require that the text of the card, if any, is one."""
        card = self._card
        if card and not card.startswith(CARD_PREFIX):
            yield FieldError("card", f"A card begins with {CARD_PREFIX}")

    async def submit(self) -> FormResult:
        """Send the changes."""
        change = self._change()
        if change == UserChange(name=self._user.name):
            return FormResult("Nothing was changed.")
        await self.app.agent.change_user(change)
        return FormResult(f"Changed {clean(self._user.name)}.")

    def _change(self) -> UserChange:
        user, groups = self._user, split_groups(self.query_one("#groups", Input).value)
        return UserChange(
            name=user.name,
            groups=None if groups == user.groups else groups,
            verified=self._selected("verified", user.verified),
            accept_raw=self._selected("raw", user.accept_raw),
            admitted=self._selected("admitted", user.admitted),
            introduces=self._selected("introduces", user.introduces),
            card=self._card or None,
        )

    def _selected(self, name: str, before: bool) -> bool | None:
        """Return whether a box is selected, or None if unchanged."""
        now = [box.value for box in self.query(f"#{name}").results(MarkCheckbox)]
        return None if now in ([], [before]) else now[0]

    @property
    def _card(self) -> str:
        return "".join(find_card(area.text) for area in self.query("#card").results(TextArea))

    def _list_former(self) -> Iterator[Static]:
        for fingerprint in self._user.former[:_FORMER]:
            yield Static(Content.styled(f"former card {fit(fingerprint, 56)}", TextStyle.QUIET.value))

    @on(Button.Pressed, "#remove")
    def _on_remove(self) -> None:
        self._follow(RemoveUserScreen(self._user))

    @on(Button.Pressed, "#revoke")
    def _on_revoke(self) -> None:
        self._follow(RevokeUserScreen([self._user]))

    @on(Button.Pressed, "#renew")
    def _on_renew(self) -> None:
        self._follow(NewKeyScreen(self._user))

    def _follow(self, screen: Form) -> None:
        app = self.app
        self.dismiss()
        app.push_screen(screen)


class RemoveUserScreen(Form):
    """Asks before a user is removed."""

    HEADING = "Remove this user?"
    ACCEPT_LABEL = "Remove"
    DESTRUCTIVE = True

    def __init__(self, user: User) -> None:
        super().__init__()
        self._user = user

    def compose_fields(self) -> ComposeResult:
        """Show the user and the consequence."""
        yield Static(Content.styled(fit(self._user.name, _NAME), TextStyle.STRONG.value))
        yield Static(Content(USER_REMOVED), classes="aside -apart")
        if held := self._user.shares:
            shares = format_count(held, "share")
            yield Static(
                Content.styled(
                    f"They still have tickets for {shares}: revoke these first.", TextStyle.WARN.value
                ),
                classes="-apart",
            )

    async def submit(self) -> FormResult:
        """Remove the user."""
        await self.app.agent.remove_user(UserNamed(name=self._user.name))
        return FormResult(f"Removed {clean(self._user.name)}.")


class NewKeyScreen(Form):
    """Asks before a key is replaced."""

    HEADING = "Make a new key?"
    ACCEPT_LABEL = "Make a new key"
    DESTRUCTIVE = True

    def __init__(self, user: User) -> None:
        super().__init__()
        self._user = user

    def compose_fields(self) -> ComposeResult:
        """Show the user and the consequence."""
        yield Static(Content.styled(fit(self._user.name, _NAME), TextStyle.STRONG.value))
        yield Static(Content(KEY_REPLACED), classes="aside -apart")

    async def submit(self) -> FormResult:
        """Replace the key and show the new one once."""
        added = await self.app.agent.new_key(UserNamed(name=self._user.name))
        return FormResult(following=KeyDialog(added.name, added.key))
