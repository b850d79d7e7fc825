"""Random sequences of what programs do to files, against a model, with two whole agents.

Whatever they do: nothing half is ever shared, in the end each entry is shared as it is, once, and delivered, and
nothing that the recipient did is lost. `TUISHARE_PROGRAMS` sets the number of sequences; the default suits CI.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.agent_pairs import come_to_rest, running
from tests.agent.folders.programs import ACTS, NAMES, PAUSE, Form, Programs, form_of
from tests.agent.homes import SETTLE, Home, introduce, make_home
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.events import ShareSealed
from tuishare.core.records import DownloadStep, ShareRecord, ShareStep
from tuishare.torrents import parse_torrent

CASES: Final = int(os.environ.get("TUISHARE_PROGRAMS", "5"))
PATIENCE: Final = 60.0
RESCAN: Final = 1.0
"""Seconds; what no event tells, as a write through another link, is found by the next scan."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from([*ACTS, "rest", "deliver", "edit delivered"]),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
    ),
    min_size=2,
    max_size=10,
)


def form_of_torrent(share: ShareRecord) -> Form:
    torrent = parse_torrent(share.torrent)
    return frozenset(
        ("/".join(file.parts) if torrent.is_folder else "", file.root) for file in torrent.files if file.size
    )


def without_empty(form: Form) -> Form:
    """The model's form without empty files, which have no root."""
    empty = b"\xe3\xb0\xc4\x42\x98\xfc\x1c\x14"
    return frozenset(each for each in form if not each[1].startswith(empty))


@dataclass
class Trial:
    """One sequence."""

    alice: Home
    bob: Home
    sender: Agent
    receiver: Agent
    programs: Programs
    sealed: dict[str, list[Form]] = field(default_factory=dict)
    precious: list[bytes] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)

    def note(self, event: ShareSealed) -> None:
        self.sealed.setdefault(event.share.id, []).append(form_of_torrent(event.share))

    @property
    def shares(self) -> list[ShareRecord]:
        return [
            share
            for share in self.sender._drops.repository.shares.values()
            if share.step is not ShareStep.WITHDRAWN
        ]

    async def step(self, kind: str, name: str, other: str) -> None:
        if kind == "rest":
            await asyncio.sleep(PAUSE)
        elif kind == "deliver":
            await self.deliver()
        elif kind == "edit delivered":
            self.edit_delivered(name)
        else:
            await self.programs.act(kind, name, other)

    def edit_delivered(self, name: str) -> None:
        """Let the recipient change what they have got; it must be there until the end."""
        delivered = self.bob.downloads / "alice" / name
        file = (
            delivered if delivered.is_file() else next((f for f in delivered.rglob("*") if f.is_file()), None)
        )
        if file is not None:
            self.precious.append(mine := b"bob's " + os.urandom(500))
            file.write_bytes(mine)

    async def deliver(self) -> None:
        """Bring what is shared to the recipient, and wait until it is there."""
        await self.settle()
        for share in self.shares:
            envelope = self.alice.outbox / share.envelope
            if share.envelope and envelope.exists():
                (self.bob.inbox / share.envelope).write_bytes(envelope.read_bytes())
        wanted = {share.info_hash: share for share in self.shares if share.step is ShareStep.SEEDING}
        await wait_until(lambda: wanted.keys() <= self.received().keys(), seconds=PATIENCE)
        for info_hash, share in wanted.items():
            if info_hash not in self.delivered:  # afterwards the recipient may have changed it
                assert without_empty(form_of(self.received()[info_hash])) == form_of_torrent(share)
                self.delivered.add(info_hash)

    def received(self) -> dict[str, Path]:
        return {
            record.info_hash: Path(record.path)
            for record in self.receiver._inbox.repository.downloads.values()
            if record.step is DownloadStep.COMPLETE
        }

    async def settle(self) -> None:
        """Wait until every entry is shared as it is, and nothing is left to do."""
        await wait_until(self.is_shared, seconds=PATIENCE)
        await come_to_rest(self.sender)
        assert self.is_shared(), "it does not stay so"

    def is_shared(self) -> bool:
        entries = {name: without_empty(form) for name, form in self.programs.entries().items()}
        shares = {share.name: share for share in self.shares if share.step is ShareStep.SEEDING}
        return {name: form for name, form in entries.items() if form} == {
            name: form_of_torrent(share) for name, share in shares.items()
        }

    def check(self) -> None:
        complete = {without_empty(form) for form in self.programs.complete}
        for forms in self.sealed.values():
            assert complete.issuperset(forms), "something half was shared"
        again = sum(one == other for forms in self.sealed.values() for one, other in pairwise(forms))
        assert again <= self.programs.departures, "something was shared twice"
        landed = [path.read_bytes() for path in (self.bob.downloads / "alice").rglob("*") if path.is_file()]
        for mine in self.precious:
            assert mine in landed, "what the recipient did was overwritten"


async def run_through(root: Path, steps: list[tuple[str, str, str]]) -> None:
    alice, bob = make_home(root, "alice"), make_home(root, "bob")
    introduce(alice, bob)
    alice.configure("bob", settle={**SETTLE, "rescan": RESCAN})
    bob.configure("alice", inbox={"envelopes_per_minute": 0})
    async with running(alice) as sender, running(bob) as receiver:
        trial = Trial(alice, bob, sender, receiver, Programs(alice.drop))
        sender._context.events.subscribe(ShareSealed, trial.note)
        for step in steps:
            await trial.step(*step)
        await trial.deliver()
        trial.check()


@pytest.mark.slow
@settings(max_examples=CASES, deadline=None)
@given(STEPS)
def test_whatever_programs_do_what_is_complete_arrives_once(steps: list[tuple[str, str, str]]) -> None:
    with TemporaryDirectory(prefix="ts-", ignore_cleanup_errors=True) as folder:
        asyncio.run(run_through(Path(folder), steps))


@pytest.mark.parametrize("act", ACTS)
def test_each_thing_that_programs_do(act: str) -> None:
    """So that the model and each act are tried also where the random sequences are few."""
    entry = ("copy folder" if act == "temporary inside" else "write", "a", "b")
    steps = [
        entry,
        ("deliver", "a", "b"),
        ("edit delivered", "a", "b"),
        (act, "a", "b"),
        ("write", "c.mov", "b"),
    ]
    with TemporaryDirectory(prefix="ts-", ignore_cleanup_errors=True) as folder:
        asyncio.run(run_through(Path(folder), steps))
