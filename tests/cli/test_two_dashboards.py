"""From two empty homes to a delivered file in two terminals, by keys alone: invite, join, drop."""

from __future__ import annotations

import contextlib
import getpass
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tests.cli.terminals import Tmux
from tests.waiting import wait_until
from tuishare.swarm.ports import free_port

pytestmark = pytest.mark.slow
_PATIENCE = 40.0
_WANTED_SECONDS = 60


@pytest.fixture
def other_tmux(root: Path) -> Iterator[Tmux]:
    terminal = Tmux(root / "tmux-2")
    try:
        yield terminal
    finally:
        terminal.close()


async def begin(person: Person, terminal: Tmux) -> None:
    """Open the dashboard in an empty home, and answer what it asks first; only the ports are set."""
    suggested = getpass.getuser()
    person.configure(name=suggested, link={"listen": f"127.0.0.1:{free_port()}"})
    terminal.open(person)
    await wait_until(terminal.shows(f"Your name    {suggested} "), seconds=_PATIENCE)
    terminal.press("End", "C-u")
    await wait_until(lambda: f"Your name    {suggested} " not in terminal.screen(), seconds=_PATIENCE)
    terminal.press(person.name)
    await wait_until(terminal.shows(f"Your name    {person.name} "), seconds=_PATIENCE)
    terminal.press("Enter")
    await wait_until(terminal.shows("2 of 3"), seconds=_PATIENCE)
    terminal.press("C-s")
    await wait_until(terminal.shows("3 of 3"), seconds=_PATIENCE)


async def select(terminal: Tmux, words: str) -> None:
    """Press Space until these words show: it selects, or takes the selection back."""
    for _ in range(10):
        terminal.press("Space")
        with contextlib.suppress(TimeoutError):
            return await wait_until(terminal.shows(words), seconds=2)
    raise AssertionError(terminal.screen())


async def test_invite_join_and_drop_take_less_than_a_minute(
    alice: Person, bob: Person, tmux: Tmux, other_tmux: Tmux
) -> None:
    started = time.monotonic()
    try:
        await begin(alice, tmux)
        tmux.press("i")
        await wait_until(tmux.shows("An invitation is one line of text"), seconds=_PATIENCE)
        tmux.press("C-s")
        await wait_until(tmux.shows("Waiting for them to join"), seconds=_PATIENCE)
        tmux.press("c")
        await wait_until(lambda: tmux.clipboard().startswith("tuishare-invite-v1:"), seconds=_PATIENCE)

        await begin(bob, other_tmux)
        other_tmux.press("o")
        await wait_until(other_tmux.shows("Paste the invitation that you received"), seconds=_PATIENCE)
        other_tmux.paste(tmux.clipboard())
        other_tmux.press("C-s")
        await wait_until(other_tmux.shows("alice is known to you now"), seconds=_PATIENCE)
        await wait_until(tmux.shows("joined as bob"), seconds=_PATIENCE)

        drop = alice.desk / "film"
        tmux.press("Escape")
        await wait_until(lambda: not tmux.shows("Your invitation")(), seconds=_PATIENCE)
        await wait_until(
            tmux.shows("3 People 1"), seconds=_PATIENCE
        )  # the dialog lists who is known as it opens
        tmux.press("4", "n")
        await wait_until(tmux.shows("What you put here is shared"), seconds=_PATIENCE)
        tmux.press(str(drop))
        await wait_until(tmux.shows(drop.name), seconds=_PATIENCE)
        tmux.press("Tab")
        await select(tmux, "▐X▌ bob")
        tmux.press("C-s")
        await wait_until(drop.is_dir, seconds=_PATIENCE)
        (drop / "dailies.mov").write_bytes(content := os.urandom(1_000_000))

        received = bob.places.files / "downloads" / "alice" / "dailies.mov"
        await wait_until(received.exists, seconds=_PATIENCE)
        took = time.monotonic() - started
        assert received.read_bytes() == content
        other_tmux.press("Escape")
        other_tmux.press("2")
        await wait_until(other_tmux.shows("dailies.mov"), seconds=_PATIENCE)
    finally:
        for person in (alice, bob):
            person.run("stop")
    assert took < _WANTED_SECONDS
