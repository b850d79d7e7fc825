"""The attacks: target, preparation and attacking processes of each.

Attackers are processes of their own with a low priority, bounded in number and rate.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.agent.homes import Home, make_home
from tests.bench.agents import end
from tests.siege import envelopes, litter, visitors
from tests.siege.stage import Stage
from tuishare.people import User

UNVERIFIED: Final = "carol"
"""Is in the recipient's user book; the card was not compared."""
Command = list[str]


@dataclass(frozen=True, slots=True)
class Strangers:
    """The senders of hostile envelopes.

    Attributes:
        unknown: their card is in no user book.
        unverified: in the recipient's user book as `UNVERIFIED`.
    """

    unknown: Home
    unverified: Home

    @classmethod
    def make(cls, root: Path) -> Strangers:
        """Make their homes."""
        return cls(make_home(root, "mallory"), make_home(root, UNVERIFIED))

    def listed(self) -> User:
        """Return the sender in the recipient's user book."""
        return self.unverified.user(verified=False)


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack.

    Attributes:
        about: a short description.
        target: the member whose agent is measured.
        prepare: runs before the measurement; returns the attackers' commands.
    """

    about: str
    target: Literal["alice", "bob"]
    prepare: Callable[[Stage, Strangers], list[Command]]


@contextmanager
def attacking(commands: Sequence[Command]) -> Iterator[list[str]]:
    """Run the attackers for the duration of the block.

    Yields:
        Their output, empty until the end.
    """
    said: list[str] = []
    attackers = [
        subprocess.Popen([sys.executable, "-m", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for command in commands
    ]
    try:
        yield said
    finally:
        for attacker in attackers:
            end(attacker)
            assert attacker.stdout is not None
            with attacker.stdout:
                said += attacker.stdout.read().decode().splitlines()


def _visit(manner: visitors.Manner, place: str, connections: int, sources: int = 8) -> Command:
    options = ["--connections", str(connections), "--sources", str(sources)]
    return [visitors.__name__, manner.__name__, place, *options]


def _on_swarm(*manners: visitors.Manner, connections: int) -> Callable[[Stage, Strangers], list[Command]]:
    def prepare(stage: Stage, _: Strangers) -> list[Command]:
        place = f"127.0.0.1:{stage.alice.swarm}"
        return [_visit(manner, place, connections // len(manners)) for manner in manners]

    return prepare


def _on_tracker(connections: int, sources: int) -> Callable[[Stage, Strangers], list[Command]]:
    def prepare(stage: Stage, _: Strangers) -> list[Command]:
        place = f"127.0.0.1:{stage.alice.tracker}"
        manners = (visitors.stay_silent, visitors.shake_hands, visitors.guess)
        return [_visit(manner, place, connections // len(manners), sources) for manner in manners]

    return prepare


def _on_api(stage: Stage, _: Strangers) -> list[Command]:
    place = str(stage.bob.home.places.socket)
    crowds = {
        visitors.stay_silent: 300,
        visitors.ask_slowly: 100,
        visitors.talk_junk: 20,
        visitors.send_much: 8,
        visitors.follow_deaf: 40,
    }
    return [_visit(manner, place, count) for manner, count in crowds.items()]


def _in_inbox(
    *writers: tuple[envelopes.Writer, int], unverified: bool = False
) -> Callable[[Stage, Strangers], list[Command]]:
    def prepare(stage: Stage, strangers: Strangers) -> list[Command]:
        bob = stage.bob.home
        (prepared := stage.root / "prepared").mkdir()
        sender = strangers.unverified if unverified else strangers.unknown
        for write, count in writers:
            write(prepared, sender, bob.user(), count)
        return [[litter.__name__, litter.pour.__name__, str(prepared), str(bob.inbox)]]

    return prepare


def _nothing(_: Stage, __: Strangers) -> list[Command]:
    return []


def _junk(stage: Stage, _: Strangers) -> list[Command]:
    return [[litter.__name__, litter.junk.__name__, str(stage.bob.home.inbox)]]


ATTACKS: Final[dict[str, Attack]] = {
    "nothing": Attack("no attack: what the figures are on this machine", "bob", _nothing),
    "silent": Attack(
        "2,000 silent connections to the swarm port from 8 addresses",
        "alice",
        _on_swarm(visitors.stay_silent, connections=2_000),
    ),
    "handshakes": Attack(
        "1,000 TLS handshakes with the swarm port: half a ClientHello, the rest byte by byte or never",
        "alice",
        _on_swarm(visitors.shake_hands_slowly, visitors.stop_halfway, connections=1_000),
    ),
    "strangers": Attack(
        "5 envelopes of 15 MiB with 600,000 empty files, by an unknown sender",
        "bob",
        _in_inbox((envelopes.write_many_files, 5)),
    ),
    "letters": Attack(
        "1,000 small envelopes by an unknown sender, 300 damaged, 100 for 255 others",
        "bob",
        _in_inbox(
            (envelopes.write_small, 1_000), (envelopes.write_damaged, 300), (envelopes.write_locked, 100)
        ),
    ),
    "waiting": Attack(
        "12 envelopes of 20 MB by a sender whose card was not compared",
        "bob",
        _in_inbox((envelopes.write_waiting, 12), unverified=True),
    ),
    "junk": Attack("4,000 files, FIFOs, links, sparse files and odd names in the inbox", "bob", _junk),
    "tracker-8": Attack(
        "600 connections to the tracker from 8 addresses: silent, TLS, guessed passkeys",
        "alice",
        _on_tracker(600, 8),
    ),
    "tracker-200": Attack(
        "1,200 connections to the tracker from 200 addresses: likewise",
        "alice",
        _on_tracker(1_200, 200),
    ),
    "api": Attack(
        "468 connections to the API by another program of the same user: silent, slow, junk, huge bodies, "
        "event streams that are not read",
        "bob",
        _on_api,
    ),
}
