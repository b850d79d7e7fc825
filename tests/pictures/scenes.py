"""What the pictures show, and how one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from tests.api.samples import ACTIVITY, NOW
from tests.tui.fakes import FakeAgent, dashboard, until
from tests.tui.people import BOB, CAROL, DAN, PEOPLE
from tests.tui.test_looks import FULL
from tuishare.api.messages import Link, Snapshot, UserOrigin
from tuishare.tui.app import Dashboard
from tuishare.tui.screens.revoke import RevokeScreen
from tuishare.tui.view import Connected

_SIZE: Final = (120, 34)
_NOTHING: Final = ("\x1b", "\u202e")


def _calm() -> Snapshot:
    """The shares and downloads of the tests without the hostile ones, and people."""
    shares = tuple(one for one in FULL.shares if not any(sign in one.name for sign in _NOTHING))
    carol = msgspec.structs.replace(CAROL, origin=UserOrigin.INVITED)
    people = msgspec.structs.replace(PEOPLE, users=(BOB, carol, DAN))
    link = Link(user="carol", since=NOW - 3600, called=True, addresses=("192.0.2.7:50011",))
    activity = (msgspec.structs.replace(ACTIVITY, at=NOW - 600),)
    return msgspec.structs.replace(FULL, shares=shares, people=people, links=(link,), activity=activity)


def _nothing(_app: Dashboard) -> None:
    """The dashboard as it opens."""


def _revoke(app: Dashboard) -> None:
    app.push_screen(RevokeScreen(_calm().shares[:1]))


SCENES: Final[dict[str, tuple[str, Callable[[Dashboard], None]]]] = {
    "shares": ("", _nothing),
    "people": ("3", _nothing),
    "revoke": ("", _revoke),
}
"""By name of the picture: the keys that are pressed, and what is opened then."""


async def draw(name: str) -> str:
    """Draw one picture as SVG."""
    keys, then = SCENES[name]
    app = dashboard(FakeAgent(_calm()))
    async with app.run_test(size=_SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        await pilot.press(*keys)
        then(app)
        await pilot.pause()
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()
        return app.export_screenshot(title="tuishare")
