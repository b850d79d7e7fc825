"""Inviting from the dashboard: one string, what became of it, and cancelling it."""

from __future__ import annotations

import msgspec

from tests.api.samples import INVITATION, JOINER, NOW
from tests.tui.fakes import until
from tests.tui.people import HOSTILE
from tests.tui.screens.dialogs import Desk, opened
from tuishare.api.messages import JoinerAnswer, JoinerState, Joining, NewInvitation
from tuishare.errors import Refused
from tuishare.tui.screens.confirm import ConfirmScreen
from tuishare.tui.screens.invitations import InvitationsScreen
from tuishare.tui.screens.invite import InvitationScreen

STRING = "tuishare-invite-v1:abc"


async def made(desk: Desk) -> None:
    await desk.press("ctrl+s")
    await until(desk.pilot, lambda: isinstance(desk.screen, InvitationScreen))


async def test_the_string_is_copied_shown_and_watched() -> None:
    async with opened("invite") as desk:
        await desk.press(*"bob", "tab", *"crew")
        await made(desk)
        (new,) = desk.calls("invite")
        assert new == (NewInvitation(name="bob", groups=("crew",), until=NOW + 7 * 86_400),)
        assert desk.app.clipboard == STRING
        assert STRING in desk.words
        assert "Waiting for them" in desk.words
        desk.app.copy_to_clipboard("")
        await desk.press("c")
        assert desk.app.clipboard == STRING
        desk.agent.invited = [msgspec.structs.replace(INVITATION, joiners=(JOINER,))]
        await desk.until_said("Bob joined as bob")
        assert "a b c d" in desk.words
        desk.agent.invited = []
        await desk.until_said("It was cancelled")
        await desk.press("escape")
        assert desk.closed


async def test_the_code_fills_the_screen_or_tells_what_it_needs() -> None:
    async with opened("invite") as desk:
        await made(desk)
        await desk.press("r")
        assert desk.screen.query("#qr-code")
        assert "█" in desk.words
        await desk.pilot.resize_terminal(20, 10)
        await desk.until_said("needs a terminal of")
        await desk.press("escape")
        assert isinstance(desk.screen, InvitationScreen)


async def test_what_is_refused_stays_to_be_corrected() -> None:
    async with opened("invite") as desk:
        desk.fill("ends", "soon")
        await desk.press("ctrl+s")
        assert desk.fault("ends")
        desk.fill("ends", "12h")
        desk.agent.order_fails_with = Refused("No address of this agent is known", hint="Set link.listen.")
        await desk.press("ctrl+s")
        await desk.until_said("! No address of this agent is known. Set link.listen.")


async def test_one_is_cancelled_after_a_question() -> None:
    async with opened("invitations") as desk:
        await desk.until_said("There is no invitation")
    async with opened("invite") as desk:
        hostile = msgspec.structs.replace(JOINER, called=HOSTILE, user=HOSTILE)
        former = msgspec.structs.replace(JOINER, user="carol", was_known=True)
        used = msgspec.structs.replace(INVITATION, id="cd" * 16, joiners=(hostile, former))
        desk.agent.invited = [INVITATION, used]
        await desk.press("ctrl+o")
        await until(desk.pilot, lambda: isinstance(desk.screen, InvitationsScreen))
        await desk.until_said("called from 192.0.2.7")  # the newest is first
        await desk.press("x")
        assert isinstance(desk.screen, ConfirmScreen)
        assert "removed from your users" in desk.words
        assert "carol: only the trust and the groups" in desk.words
        assert not {"\x1b", "\u202e"} & set(desk.words)
        await desk.press("n")
        assert desk.calls("cancel_invitation") == []
        await desk.press("down", "x", "y")
        await until(desk.pilot, lambda: desk.calls("cancel_invitation") == [(INVITATION.id,)])


async def test_one_who_asks_is_answered_and_a_join_that_waits_is_ended() -> None:
    async with opened("invite") as desk:
        asks = msgspec.structs.replace(JOINER, state=JoinerState.ASKS, user="")
        desk.agent.invited = [msgspec.structs.replace(INVITATION, joiners=(asks,))]
        desk.agent.joining = [Joining(id="ef" * 16, until=NOW, error="192.0.2.1:50011 does not answer")]
        await desk.press("ctrl+o")
        await desk.until_said("192.0.2.1:50011 does not answer. Your agent calls again")
        await desk.press("down")
        await desk.until_said("Bob asks to join")
        await desk.press("a")
        assert isinstance(desk.screen, ConfirmScreen)
        for seen in ("192.0.2.7", "a b c d", "ABCD"):
            assert seen in desk.words
        await desk.press("n")
        assert desk.calls("answer_joiner") == []
        await desk.press("a", "y")
        answer = JoinerAnswer(id=INVITATION.id, fingerprint="ABCD", approve=True)
        await until(desk.pilot, lambda: desk.calls("answer_joiner") == [(answer,)])
        await desk.press("up", "x", "y")
        await until(desk.pilot, lambda: desk.calls("cancel_join") == [("ef" * 16,)])


async def test_an_invitation_for_several_names_none_of_them() -> None:
    async with opened("invite") as desk:
        desk.fill("name", "bob")
        desk.fill("uses", "0")
        await desk.press("ctrl+s")
        assert "from 1 to 1,000" in desk.fault("uses")
        desk.fill("uses", "3")
        await desk.press("ctrl+s")
        assert "several people" in desk.fault("name")
