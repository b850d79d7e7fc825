from __future__ import annotations

import pytest

from tests.cli.homes import Person
from tests.cli.terminals import Tmux
from tests.waiting import wait_until
from tuishare.cli.dashboard import require_terminal
from tuishare.errors import BadInput


def test_without_a_terminal(alice: Person) -> None:
    assert alice.run().failed(2, "The dashboard needs a terminal")
    assert not alice.places.socket.exists()
    with pytest.raises(BadInput):
        require_terminal()


async def test_it_starts_an_agent_and_leaves_it_running(alice: Person, tmux: Tmux) -> None:
    tmux.open(alice)
    await wait_until(tmux.shows("Shares"), seconds=20)
    await wait_until(alice.places.socket.exists, seconds=20)
    try:
        await wait_until(tmux.shows("Welcome to tuishare"), seconds=20)
        tmux.press("Escape")
        await wait_until(lambda: not tmux.shows("Welcome to tuishare")())
        tmux.press("q")
        await wait_until(tmux.shows("ended with 0"))
    finally:
        stopped = alice.run("stop")
    assert stopped.code == 0, stopped
