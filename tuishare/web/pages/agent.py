"""The agent itself: its state, starting it, and the checks of home and machine."""

from __future__ import annotations

from typing import Final

from tuishare.web.live_list import LiveList
from tuishare.web.visit import LiveStream, Moved, Page, Visit

AGENT: Final = LiveList("agent_facts", lambda snapshot: [snapshot], lambda _: "agent")


async def show_agent(visit: Visit) -> Page:
    """Show the agent's state and what needs attention."""
    return AGENT.show(visit, await visit.agent.snapshot(), "agent", "/agent/live", {})


async def follow_agent(visit: Visit) -> LiveStream:
    """Keep it current."""
    return AGENT.follow(visit)


async def start_agent(visit: Visit) -> Moved:
    """Start an agent in the background."""
    await visit.desk.start_agent()
    return Moved("/shares", "The agent runs.")


async def show_doctor(visit: Visit) -> Page:
    """Check this home and this machine."""
    return Page("findings", {"heading": "Doctor", "findings": await visit.desk.diagnose()})
