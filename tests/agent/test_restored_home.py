"""An agent whose home was lost and restored from a backup."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import ShareState
from tuishare.core.home_backup import make_backup, open_backup, restore_home
from tuishare.core.records import ShareRecord

PASSPHRASE = "four random words here"


def lose(home: Home) -> None:
    for folder in (home.places.config, home.places.state):
        shutil.rmtree(folder)


async def seeding(agent: Agent) -> ShareRecord:
    """Wait until the only share is offered; return its record."""
    await wait_until(
        lambda: [share.state for share in agent.view.shares()] == [ShareState.SEEDING], seconds=30
    )
    (record,) = await agent._context.store.run(lambda database: database.shares())
    return record


async def test_it_goes_on_without_a_new_version(alice: Home, bob: Home) -> None:
    fill(alice.drop / "film.mkv")
    async with running(alice) as agent:
        before = await seeding(agent)
        files = open_backup(make_backup(alice.places, PASSPHRASE), PASSPHRASE)
    envelope = (alice.outbox / before.envelope).read_bytes()
    lose(alice)
    restore_home(alice.places, files)
    async with running(alice) as agent:
        after = await seeding(agent)
    assert (after.generation, after.info_hash, after.fingerprint) == (
        before.generation,
        before.info_hash,
        before.fingerprint,
    )
    assert (alice.outbox / before.envelope).read_bytes() == envelope


async def test_recipients_take_what_it_shares_after_versions_that_it_does_not_know(
    alice: Home, bob: Home
) -> None:
    """The versions after the backup went out, and no recipient takes one of these numbers again."""
    film, delivered = fill(alice.drop / "film.mkv"), bob.downloads / "alice" / "film.mkv"
    files: dict[PurePosixPath, bytes] = {}
    async with running(bob):
        async with running(alice) as agent:
            first = await seeding(agent)
            files = open_backup(make_backup(alice.places, PASSPHRASE), PASSPHRASE)
            bob.receive(alice.outbox / first.envelope)
            await wait_until(delivered.exists, seconds=30)
            second = fill(film).read_bytes()
            await wait_until((alice.outbox / first.envelope).exists, seconds=30)
            bob.receive(alice.outbox / first.envelope)
            await wait_until(lambda: delivered.read_bytes() == second, seconds=30)
        lose(alice)
        restore_home(alice.places, files)
        third = fill(film).read_bytes()
        async with running(alice):
            await wait_until((alice.outbox / first.envelope).exists, seconds=30)
            bob.receive(alice.outbox / first.envelope)
            await wait_until(lambda: delivered.read_bytes() == third, seconds=30)
