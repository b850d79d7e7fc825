"""Trackers of others, which a sender has named for his shares: he is to be found there, too."""

from __future__ import annotations

import re

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.recording_tracker import asked


@pytest.mark.usefixtures("bob")
async def test_the_sender_announces_with_a_passkey_of_his_own(alice: Home) -> None:
    async with asked() as tracker:
        alice.configure("bob", tracker={"listen": "127.0.0.1:0", "others": [tracker.url]})
        fill(alice.drop / "x")
        async with running(alice) as agent:
            line = await tracker.once()
            (share,) = agent._drops.repository.shares.values()
    said = re.fullmatch(r"GET /announce/([0-9a-f]{64})\?(\S*) HTTP/1.1\r\n", line)
    assert said is not None
    assert "left=0" in said[2]
    assert share.secret.hex() not in line
