"""The agent itself: what it does, and what needs attention."""

from __future__ import annotations

from tuishare.web.visit import Page, Visit


async def show_overview(visit: Visit) -> Page:
    """Show the agent's status."""
    return Page("overview", {"status": await visit.agent.status()})
