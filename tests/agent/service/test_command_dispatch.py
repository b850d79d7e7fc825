"""Every order has somebody who carries it out."""

from __future__ import annotations

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home
from tuishare.agent.service.command_dispatch import order_download, order_share
from tuishare.api.messages import DownloadAction, DownloadId, ShareAction, ShareId
from tuishare.errors import NotFound


async def test_nothing_can_be_done_with_what_there_is_not(alice: Home) -> None:
    async with running(alice) as agent:
        for order in ShareAction:
            with pytest.raises(NotFound):
                await order_share(agent._drops, ShareId("none"), order)
        for wish in DownloadAction:
            with pytest.raises(NotFound):
                await order_download(agent._inbox, DownloadId("none"), wish)
