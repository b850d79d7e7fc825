"""The first page after log-in."""

from __future__ import annotations

from tuishare.web.visit import Moved, Visit


async def go_home(visit: Visit) -> Moved:
    """Go to the shares."""
    del visit
    return Moved("/shares")
