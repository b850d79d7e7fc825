"""From one envelope that was carried by hand: everything else arrives by itself, once, whatever happens."""

from __future__ import annotations

import os

import pytest

from tests.agent import test_crashes
from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.link.linked import (
    PATIENCE,
    become_known,
    carry,
    handovers,
    link_up,
    received,
    until_handed_over,
    until_received,
)
from tests.agent.test_crashes import kill_at
from tests.waiting import wait_until
from tuishare.agent.downloads.rejected_files import REJECTED
from tuishare.api.messages import DownloadAction, ReceiptQuery, SettingChange
from tuishare.core.faults import Fault
from tuishare.core.records import HandoverState
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.link.receipt import format_receipt, verify_receipt

pytestmark = pytest.mark.swarm


@pytest.fixture
def linked(alice: Home, bob: Home) -> tuple[Home, Home]:
    link_up((alice, "bob"), (bob, "alice"))
    return alice, bob


async def until_put_away(bob: Home) -> None:
    """Wait until every envelope was archived; none was rejected."""
    await wait_until(lambda: not any(name.endswith(".encrypted") for name in os.listdir(bob.inbox)))
    rejected = bob.inbox / REJECTED
    assert not rejected.exists() or os.listdir(rejected) == []


async def test_a_second_drop_arrives_without_anything_being_carried(linked: tuple[Home, Home]) -> None:
    alice, bob = linked
    async with running(alice) as one, running(bob):
        first = await become_known(alice, bob)
        second = fill(alice.drop / "second")
        await until_received(bob, first, second)
        record = await until_handed_over(one, "second", HandoverState.COMPLETE)
        receipt = verify_receipt(record.receipt)
        assert (receipt.signer, receipt.digest, receipt.state) == (
            bob.identity.signer,
            record.digest,
            "complete",
        )
        kept = await one.service.receipts(ReceiptQuery(share="second"))
        assert [(each.user, each.state) for each in kept] == [("bob", "received"), ("bob", "complete")]
        assert kept[1].text == format_receipt(record.receipt)
        # What was carried is known to be there.
        assert (await until_handed_over(one, "first", HandoverState.HANDED_OVER)).receipt == b""
        assert os.listdir(bob.places.link_incoming) == []
        await until_put_away(bob)


async def test_what_was_shared_while_the_recipient_was_away_arrives_when_they_return(
    linked: tuple[Home, Home],
) -> None:
    alice, bob = linked
    async with running(alice) as one:
        async with running(bob):
            first = await become_known(alice, bob)
            await until_handed_over(one, "first", HandoverState.HANDED_OVER)
        later = [fill(alice.drop / name) for name in ("second", "third")]
        await until_handed_over(one, "third", HandoverState.WAITING)
        await wait_until(lambda: "second" in handovers(one), seconds=PATIENCE)
        await wait_until(lambda: bool(one.view.links()[0].tried), seconds=PATIENCE)
        (link,) = one.view.links()
        assert (link.user, link.since, len(link.addresses), link.waiting) == ("bob", 0, 1, 2)
        assert link.error
        assert link.away
        shown = {share.name: share.deliveries[0].handover for share in one.view.shares()}
        assert [shown[name].state for name in ("first", "second")] == ["handed-over", "waiting"]
        assert (shown["second"].addresses, shown["second"].tried) == (1, link.tried)
        carried = {share.name: share.envelope for share in one.view.shares()}
        assert carried["first"] == ""
        assert carried["second"] == str(alice.outbox / f"second{ENVELOPE_SUFFIX}")
        async with running(bob):
            await until_received(bob, first, *later)
            await until_put_away(bob)


async def test_a_download_tells_that_its_sender_is_away(linked: tuple[Home, Home]) -> None:
    alice, bob = linked
    async with running(alice):
        await carry(alice, bob, fill(alice.drop / "first").name)
    async with running(bob) as other:
        await wait_until(lambda: any(each.unanswered for each in other.view.downloads()), seconds=PATIENCE)
        (download,) = other.view.downloads()
        assert download.unanswered is not None
        assert (download.sender, download.unanswered.addresses) == ("alice", 1)
        assert download.unanswered.tried


QUEUE = "tuishare.core.database:Database.queue_handovers"
SEALED = "tuishare.agent.link.handovers:publish"
TAKE = "tuishare.core.database:Database.save_arrival"
MOVE = "tuishare.agent.link.arrivals:publish"
SENDER = [(SEALED, "before", 1), (SEALED, "after", 1), (QUEUE, "before", 1), (QUEUE, "after", 1)]
RECIPIENT = [
    (MOVE, "before", 1), (MOVE, "after", 1), (TAKE, "before", 1), (TAKE, "after", 1), (MOVE, "before", 2),
    (MOVE, "after", 2),
]  # fmt: skip


@pytest.mark.crash
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("sender", "recipient"),
    [*zip(SENDER, RECIPIENT[:4], strict=True), *((SENDER[3], point) for point in RECIPIENT[4:])],
)
async def test_both_killed_in_between_it_arrives_once(
    linked: tuple[Home, Home],
    sender: tuple[str, str, int],
    recipient: tuple[str, str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(test_crashes, "PATIENCE", PATIENCE)
    alice, bob = linked
    async with running(alice), running(bob):
        first = await become_known(alice, bob)
    second = fill(alice.drop / "second")
    await kill_at(alice, sender)
    async with running(alice) as one:
        await kill_at(bob, recipient)
        async with running(bob):
            await until_received(bob, first, second)
            await until_handed_over(one, "second", HandoverState.COMPLETE)
            await until_put_away(bob)
    assert sorted(received(bob)) == ["first", "second"]


async def test_the_sender_sees_what_keeps_a_recipient_from_the_payload(linked: tuple[Home, Home]) -> None:
    alice, bob = linked
    async with running(alice) as one, running(bob) as two:
        first = await become_known(alice, bob)
        await two.service.change_setting(SettingChange(key="inbox.quota", value="1000"))
        second = fill(alice.drop / "second")

        def problem() -> str:
            deliveries = [
                to for share in one.view.shares() if share.name == "second" for to in share.deliveries
            ]
            return (deliveries[0].handover.problem or "") if deliveries else ""

        await wait_until(lambda: problem() == Fault.QUOTA, seconds=PATIENCE)
        told = await one.service.activity(20)
        await wait_until(lambda: any("quota" in each.detail for each in one._context.activity.recent))
        assert not any(str(bob.inbox) in each.detail for each in told)
        (waiting,) = (each for each in two.view.downloads() if each.name == "second")
        await two.service.order_download(waiting.id, DownloadAction.APPROVE)
        await until_received(bob, first, second)
        await until_handed_over(one, "second", HandoverState.COMPLETE)
        assert problem() == ""
