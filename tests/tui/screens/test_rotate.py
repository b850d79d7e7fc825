from __future__ import annotations

from tests.tui.screens.dialogs import opened


async def test_it_shows_what_is_replaced_and_what_follows() -> None:
    async with opened("rotate") as desk:
        words = " ".join(desk.words.split())
        for part in (
            "able bold calm",
            "AAAA-AAAA",
            "send their recipients the new envelopes (each the file NAME.torrent.encrypted",
            "your old keys were stolen",
        ):
            assert part in words
        await desk.click("accept")
        await desk.until_closed()
        assert desk.calls("rotate_identity") == [()]
