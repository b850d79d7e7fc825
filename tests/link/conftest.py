"""One agent that listens for links."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.link.agents import Agent, listening
from tests.link.samples import ALICE
from tuishare.link.connection_admission import LinkLimits


@pytest.fixture
def limits() -> LinkLimits:
    """The limits of the port of `alice`; a module that needs others has a fixture of this name."""
    return LinkLimits()


@pytest.fixture
async def alice(limits: LinkLimits) -> AsyncIterator[Agent]:
    agent = Agent(ALICE)
    async with listening(agent, limits=limits):
        yield agent
