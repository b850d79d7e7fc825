from __future__ import annotations

import msgspec

from tests.api.samples import SHARE
from tests.tui.people import BOB, CAROL
from tests.tui.screens.dialogs import opened
from tuishare.api.messages import Delivery, DeliveryState, ShareId
from tuishare.errors import Refused

DELIVERIES = (
    Delivery(user="bob", state=DeliveryState.DOWNLOADING, progress=0.5),
    Delivery(user="carol", state=DeliveryState.COMPLETE, progress=1.0),
    Delivery(user="erin", state=DeliveryState.NOT_OPENED, progress=0.0),
    Delivery(user="frank", state=DeliveryState.REVOKED, progress=0.12),
)
FILM = msgspec.structs.replace(SHARE, deliveries=DELIVERIES)
SONG = msgspec.structs.replace(SHARE, id=ShareId("b2"), name="song", deliveries=DELIVERIES[1:3])


async def test_it_says_what_it_does_and_what_it_cannot() -> None:
    async with opened("revoke", (FILM,)) as desk:
        for words in (
            "no new connections",
            "no peers from the tracker",
            "live connections are cut",
            "send them the new envelope of each share (the file NAME.torrent.encrypted in the outbox)",
            "what was downloaded stays with the recipients",
        ):
            assert words in " ".join(desk.words.split())
        for line in ("bob  has 50 %", "carol  has all of it", "erin  has not opened it"):
            assert line in desk.drawn
        assert "frank" not in desk.drawn


async def test_one_of_them_by_keys() -> None:
    async with opened("revoke", (FILM,)) as desk:
        await desk.press("ctrl+s")
        assert "at least one" in desk.fault("recipients")
        await desk.press("down", "space", "ctrl+s")
        await desk.until_closed()
        assert desk.calls("revoke_from_share") == [("a1", "carol")]


async def test_out_of_several_shares_each_only_who_is_in_it() -> None:
    async with opened("revoke", (FILM, SONG)) as desk:
        assert "2 shares" in desk.words
        await desk.press("space", "down", "space", "ctrl+s")
        await desk.until_closed()
        assert desk.calls("revoke_from_share") == [("a1", "bob"), ("a1", "carol"), ("b2", "carol")]


async def test_nobody_to_revoke() -> None:
    async with opened("revoke", (msgspec.structs.replace(FILM, deliveries=()),)) as desk:
        await desk.press("ctrl+s")
        assert "No recipient has a ticket" in desk.fault("recipients")


async def test_everywhere_by_mouse() -> None:
    async with opened("revoke_user", (BOB, CAROL)) as desk:
        assert "bob, carol" in desk.words
        assert "5 shares" in desk.words
        desk.agent.order_fails_with = Refused("Not now")
        await desk.click("accept")
        await desk.until_said("! Not now.")
        desk.agent.order_fails_with = None
        desk.agent.calls.clear()
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.calls("revoke_user") == [("bob",), ("carol",)]
