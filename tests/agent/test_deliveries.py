"""The delivery board, as whole agents fill it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.agent.homes import Home, fill, introduce
from tests.agent.mail import running
from tests.agent.test_drops import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import ActivityKind, Delivery, DeliveryState, Download, DownloadState, ShareState


def delivery(agent: Agent, user: str = "bob") -> Delivery:
    (share,) = agent.shares()
    (found,) = (row for row in share.deliveries if row.user == user)
    return found


def post(sender: Home, receiver: Home) -> None:
    """Bring what lies in the outbox to the inbox, the way a person would."""
    for envelope in sender.outbox.iterdir():
        shutil.copy(envelope, receiver.inbox / f".{envelope.name}")
        (receiver.inbox / f".{envelope.name}").rename(receiver.inbox / envelope.name)


async def complete(agent: Agent) -> Download:
    await wait_until(lambda: [item.state for item in agent.downloads()] == [DownloadState.COMPLETE])
    (download,) = agent.downloads()
    return download


async def test_the_sender_sees_how_far_a_recipient_is(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    fill(alice.drop / "x", 300_000)
    async with running(alice) as sender, running(bob) as receiver:
        await until(sender, "x", ShareState.SEEDING)
        before = delivery(sender)
        assert (before.state, before.progress, before.left) == (DeliveryState.NOT_OPENED, 0.0, 300_000)
        assert before.sealed
        post(alice, bob)
        await complete(receiver)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        after = delivery(sender)
        assert (after.progress, after.left) == (1.0, 0)
        assert before.sealed <= after.opened <= after.completed <= after.seen
        newest, *_ = await sender.activity(10)
        assert (newest.kind, newest.subject) == (ActivityKind.DELIVERED, "x")
    async with running(alice) as sender:
        assert delivery(sender) == after


async def test_the_old_envelope_of_a_changed_share_says_nothing_about_the_new(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    path: Path = fill(alice.drop / "x", 300_000)
    async with running(alice) as sender, running(bob) as receiver:
        await until(sender, "x", ShareState.SEEDING)
        post(alice, bob)
        await complete(receiver)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        fill(path, 200_000)
        await until(sender, "x", ShareState.SEEDING, 2)
        assert (delivery(sender).state, delivery(sender).left) == (DeliveryState.NOT_OPENED, 200_000)


async def test_what_everybody_has_is_served_no_longer_if_that_is_the_rule(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    alice.configure("bob", sharing={"until": "everybody"})
    fill(alice.drop / "x")
    async with running(alice) as sender, running(bob) as receiver:
        share = await until(sender, "x", ShareState.SEEDING)
        keeper = sender._drops.keeper
        await keeper.end_done()
        assert [each.state for each in sender.shares()] == [ShareState.SEEDING]
        post(alice, bob)
        await complete(receiver)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        await keeper.end_done()
        assert [each.state for each in sender.shares()] == [ShareState.PAUSED]
        await keeper.resume(share.id)
        await keeper.end_done()
        await until(sender, "x", ShareState.SEEDING)


async def test_usually_what_everybody_has_is_served_on(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    fill(alice.drop / "x")
    async with running(alice) as sender, running(bob) as receiver:
        await until(sender, "x", ShareState.SEEDING)
        post(alice, bob)
        await complete(receiver)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        await sender._drops.keeper.end_done()
        assert [each.state for each in sender.shares()] == [ShareState.SEEDING]
