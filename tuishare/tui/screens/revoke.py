"""Revoking recipients: of some shares, or of everything.

No recipient is selected beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuishare.api.messages import Delivery, DeliveryState, Share, User, UserNamed
from tuishare.presentation.consequences import REVOKE_CANNOT, REVOKE_DOES
from tuishare.presentation.formats import format_count
from tuishare.presentation.transfers import describe_holding
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.recipients import NOTHING_SELECTED, Recipients, choice
from tuishare.tui.theme import TextStyle

_NAME, _NAMES = 56, 200


class RevokeScreen(Form):
    """Asks which recipients to revoke from some shares.

    Args:
        shares: as they were shown, at least one.
    """

    HEADING = "Revoke"
    ACCEPT_LABEL = "Revoke"
    DESTRUCTIVE = True

    def __init__(self, shares: Sequence[Share]) -> None:
        super().__init__()
        self._shares = shares
        self._holders = _find_holders(shares)

    def compose_fields(self) -> ComposeResult:
        """Show the shares and the consequence; list the recipients."""
        one = len(self._shares) == 1
        name = fit(self._shares[0].name, _NAME) if one else format_count(len(self._shares), "share")
        yield Static(Content.styled(name, TextStyle.STRONG.value))
        lines = [choice(name, describe_holding(delivery)) for name, delivery in self._holders.items()]
        yield Field("Recipients", Recipients(lines))
        yield from explain()

    def on_mount(self) -> None:
        """Focus the list: nothing is revoked without a selection."""
        super().on_mount()
        # after the handler of the base, which comes last
        self.call_after_refresh(self.query_one(Recipients).focus)

    def validate(self) -> Iterator[FieldError]:
        """Require a recipient."""
        if not self._holders:
            yield FieldError("recipients", "No recipient has a ticket for this.")
        elif not self.query_one(Recipients).selected:
            yield FieldError("recipients", NOTHING_SELECTED)

    async def submit(self) -> FormResult:
        """Revoke the selected recipients from each share for which they have a ticket."""
        users = self.query_one(Recipients).selected
        for share in self._shares:
            for user in _find_holders([share]):
                if user in users:
                    await self.app.agent.revoke_from_share(share.id, UserNamed(name=user))
        return FormResult(f"Revoking {clean(', '.join(users))} …")


class RevokeUserScreen(Form):
    """Asks before users are revoked from everything.

    Args:
        users: as they were shown, at least one.
    """

    HEADING = "Revoke everywhere?"
    ACCEPT_LABEL = "Revoke everywhere"
    DESTRUCTIVE = True

    def __init__(self, users: Sequence[User]) -> None:
        super().__init__()
        self._users = users

    def compose_fields(self) -> ComposeResult:
        """Show the users and the consequence."""
        names = fit(", ".join(user.name for user in self._users), _NAMES)
        shares = sum(user.shares for user in self._users)
        yield Static(Content.styled(names, TextStyle.STRONG.value))
        yield Static(Content.styled(f"from {format_count(shares, 'share')}", TextStyle.QUIET.value))
        yield from explain()

    async def submit(self) -> FormResult:
        """Revoke the users from all shares."""
        for user in self._users:
            await self.app.agent.revoke_user(UserNamed(name=user.name))
        return FormResult(f"Revoking {clean(', '.join(user.name for user in self._users))} everywhere …")


def explain() -> Iterator[Static]:
    """Compose what revoking does, and what it cannot do."""
    yield Static(Content(REVOKE_DOES), classes="aside -apart")
    yield Static(Content.styled(REVOKE_CANNOT, TextStyle.WARN.value))


def _find_holders(shares: Sequence[Share]) -> dict[str, Delivery]:
    """Return the recipients who have a ticket for at least one share."""
    return {
        delivery.user: delivery
        for share in shares
        for delivery in share.deliveries
        if delivery.state is not DeliveryState.REVOKED
    }
