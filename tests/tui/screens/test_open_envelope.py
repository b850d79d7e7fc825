from __future__ import annotations

from tests.tui.screens.dialogs import opened
from tuishare.errors import BadInput


async def test_the_path_is_typed_and_what_is_refused_stays() -> None:
    async with opened("open_envelope") as desk:
        await desk.press("ctrl+s")
        assert desk.fault("path")
        desk.fill("path", "~/mail/x.torrent.encrypted")
        desk.agent.order_fails_with = BadInput("x is a card, not an envelope", hint="tuishare user add")
        await desk.press("ctrl+s")
        await desk.until_said("! x is a card, not an envelope. tuishare user add")
        desk.agent.order_fails_with = None
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.calls("open_envelope")[-1] == ("~/mail/x.torrent.encrypted",)
