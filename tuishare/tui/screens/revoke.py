"""Taking somebody out: of some shares, or of everything.

Owns the plain words about what that does and what it cannot do. Nobody is ticked beforehand, and the safe answer has
the focus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuishare.api.messages import Delivery, DeliveryState, Share, User
from tuishare.presentation.formats import format_count
from tuishare.presentation.transfers import describe_holding
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.recipients import Recipients, choice
from tuishare.tui.theme import TextStyle

_DOES = (
    "From now on: no new connections, no peers from the tracker, and live connections are cut. Everybody else gets a "
    "new ticket: new encrypted torrents appear in the outbox and must reach them."
)
_CANNOT = "It calls nothing back: what was already downloaded stays, also with whoever copied it."
_NAME, _NAMES = 56, 200


class RevokeScreen(Form):
    """Asks who is to be taken out of some shares.

    Args:
        shares: as they were shown, at least one.
    """

    HEADING = "Revoke"
    ACCEPT_LABEL = "Revoke"
    SAFE = False

    def __init__(self, shares: Sequence[Share]) -> None:
        super().__init__()
        self._shares = shares
        self._holders = _find_holders(shares)

    def compose_fields(self) -> ComposeResult:
        """Name the shares and what follows; list who can be taken out."""
        one = len(self._shares) == 1
        name = fit(self._shares[0].name, _NAME) if one else format_count(len(self._shares), "share")
        yield Static(Content.styled(name, TextStyle.STRONG.value))
        lines = [choice(name, describe_holding(delivery)) for name, delivery in self._holders.items()]
        yield Field("Whom", Recipients(lines))
        yield from explain()

    def on_mount(self) -> None:
        """Let the person tick first: nothing happens before."""
        super().on_mount()
        # after the handler of the base, which comes last
        self.call_after_refresh(self.query_one(Recipients).focus)

    def validate(self) -> Iterator[FieldError]:
        """Somebody."""
        if not self._holders:
            yield FieldError("recipients", "Nobody has a ticket for this.")
        elif not self.query_one(Recipients).selected:
            yield FieldError("recipients", "Choose at least one: Space ticks.")

    async def submit(self) -> FormResult:
        """Take each of them out of each share that he is in."""
        users = self.query_one(Recipients).selected
        for share in self._shares:
            for user in _find_holders([share]):
                if user in users:
                    await self.app.agent.revoke_from_share(share.id, user)
        return FormResult(f"Asked the agent to revoke {clean(', '.join(users))}.")


class RevokeUserScreen(Form):
    """Asks before somebody is taken out of everything.

    Args:
        users: as they were shown, at least one.
    """

    HEADING = "Revoke everywhere?"
    ACCEPT_LABEL = "Revoke everywhere"
    SAFE = False

    def __init__(self, users: Sequence[User]) -> None:
        super().__init__()
        self._users = users

    def compose_fields(self) -> ComposeResult:
        """Name them and what follows."""
        names = fit(", ".join(user.name for user in self._users), _NAMES)
        shares = sum(user.shares for user in self._users)
        yield Static(Content.styled(names, TextStyle.STRONG.value))
        yield Static(Content.styled(f"out of {format_count(shares, 'share')}", TextStyle.QUIET.value))
        yield from explain()

    async def submit(self) -> FormResult:
        """Take each of them out of everything."""
        for user in self._users:
            await self.app.agent.revoke_user(user.name)
        return FormResult(
            f"Asked the agent to revoke {clean(', '.join(user.name for user in self._users))} everywhere."
        )


def explain() -> Iterator[Static]:
    """Say what revoking does, and what nobody can do."""
    yield Static(Content(_DOES), classes="aside -apart")
    yield Static(Content.styled(_CANNOT, TextStyle.WARN.value))


def _find_holders(shares: Sequence[Share]) -> dict[str, Delivery]:
    """Who holds a ticket for one of them at least."""
    return {
        delivery.user: delivery
        for share in shares
        for delivery in share.deliveries
        if delivery.state is not DeliveryState.REVOKED
    }
