"""What lies in the outbox: what a recipient may have to get by hand, and nothing else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, opened, share_of
from tests.agent.link.linked import (
    become_known,
    handovers,
    link_up,
    received,
    until_handed_over,
    until_received,
)
from tests.agent.link.test_handovers import keep, receipt_of
from tests.waiting import wait_until
from tuishare.agent.context import Context
from tuishare.agent.events import ActivityRecorded, ShareSealed
from tuishare.agent.link.handovers import Handovers
from tuishare.agent.link.outbox_upkeep import OutboxUpkeep
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.outbox import Outbox
from tuishare.agent.startup import make_share_parts
from tuishare.agent.startup_link import make_handovers, make_outbox_upkeep
from tuishare.api.messages import ActivityKind
from tuishare.core.records import (
    EventRecord,
    HandoverRecord,
    HandoverState,
    RecipientRecord,
    ShareRecord,
    ShareStep,
)
from tuishare.fs.atomic import ENVELOPE_SUFFIX

pytestmark = pytest.mark.swarm
FILE = f"x{ENVELOPE_SUFFIX}"


@dataclass
class Kept:
    """An outbox with the envelope of one share for some recipients."""

    context: Context
    share: ShareRecord
    shares: dict[str, ShareRecord]
    deliveries: Deliveries
    handovers: Handovers
    outbox: Outbox
    upkeep: OutboxUpkeep
    told: list[EventRecord]

    def of(self, home: Home) -> HandoverRecord:
        return next(
            record for record in self.handovers.of(self.share.id) if record.recipient == home.identity.signer
        )


@asynccontextmanager
async def keeping(
    alice: Home, *recipients: str, kind: Literal["share", "renew"] = "share"
) -> AsyncIterator[Kept]:
    async with opened(alice) as context:
        share = share_of(fill(alice.drop / "x"))
        share = replace(share, step=ShareStep.SEEDING, sealed=1, envelope=FILE, kind=kind)
        shares = {share.id: share}
        deliveries = make_share_parts(context).repository.deliveries
        handed = make_handovers(context, deliveries)
        await handed.load()
        await deliveries.set_recipients(
            share, [RecipientRecord(share.id, name, name.encode().ljust(32)) for name in recipients]
        )
        outbox = Outbox(context.settings, context.outbox_retry)
        upkeep = make_outbox_upkeep(context, shares, deliveries, handed, outbox)
        upkeep.subscribe()
        told: list[EventRecord] = []
        context.events.subscribe(ActivityRecorded, lambda event: told.append(event.entry))
        event = ShareSealed(share, b"envelope")
        await outbox.on_sealed(event)
        await handed.on_sealed(event)
        task = asyncio.create_task(upkeep.run())
        yield Kept(context, share, shares, deliveries, handed, outbox, upkeep, told)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_it_leaves_when_the_last_has_it_and_returns_when_one_refuses(
    alice: Home, bob: Home, carol: Home
) -> None:
    place = alice.outbox / FILE
    async with keeping(alice, "bob", "carol") as kept:
        await keep(kept.handovers, receipt_of(bob, kept.of(bob)))
        await kept.upkeep._look(kept.share)
        assert place.read_bytes() == b"envelope"
        await keep(kept.handovers, receipt_of(carol, kept.of(carol)))
        await wait_until(lambda: not place.exists())
        await wait_until(lambda: [event.kind for event in kept.told] == [ActivityKind.HANDED_OVER])
        await keep(kept.handovers, receipt_of(carol, kept.of(carol), "refused"))
        assert place.read_bytes() == b"envelope"
        assert kept.of(carol).state is HandoverState.REFUSED
        assert "refused by carol" in kept.told[-1].detail
        # Taken away by hand, it stays away.
        place.unlink()
        await keep(kept.handovers, receipt_of(carol, kept.of(carol), "refused"))
        assert not place.exists()


async def test_who_opened_what_was_carried_needs_it_no_longer_but_new_tickets_do(
    alice: Home, bob: Home, carol: Home
) -> None:
    place = alice.outbox / FILE
    kinds: tuple[Literal["share", "renew"], ...] = ("share", "renew")
    for kind in kinds:
        async with keeping(alice, "bob", "carol", kind=kind) as kept:
            await keep(kept.handovers, receipt_of(bob, kept.of(bob)))
            kept.deliveries._index(replace(kept.deliveries.find(kept.share.id, "carol"), opened=7))
            await kept.upkeep._look(kept.share)
            assert place.exists() == (kind == "renew")


async def test_the_envelope_of_a_later_version_is_never_removed_for_an_earlier_one(
    alice: Home, bob: Home
) -> None:
    place = alice.outbox / FILE
    async with keeping(alice, "bob") as kept:
        newer = replace(kept.share, generation=2, step=ShareStep.SEALING)
        async with kept.outbox._alone:  # it is being written while the earlier one is found needless
            await keep(kept.handovers, receipt_of(bob, kept.of(bob)))
            looking = asyncio.create_task(kept.upkeep._look(kept.share))
            await wait_until(lambda: bool(kept.outbox._alone._waiters))
            kept.shares[newer.id] = newer
            place.write_bytes(b"newer")
        await looking
        assert place.read_bytes() == b"newer"
        kept.shares[newer.id] = replace(newer, step=ShareStep.SEEDING, sealed=2)
        await kept.upkeep._look(kept.shares[newer.id])  # Bob has the earlier one
        assert place.read_bytes() == b"newer"


async def test_the_setting_keeps_it(alice: Home, bob: Home) -> None:
    alice.configure("bob", link={"keep_outbox": True})
    async with keeping(alice, "bob") as kept:
        await keep(kept.handovers, receipt_of(bob, kept.of(bob)))
        await kept.upkeep._look(kept.share)
        assert (alice.outbox / FILE).exists()


async def test_shares_of_the_time_before_links_are_handed_over_and_the_outbox_empties(
    alice: Home, bob: Home
) -> None:
    """First without links, then with; one envelope was carried, the others come by themselves."""
    link_up((alice, "bob"), (bob, "alice"))
    alice.configure("bob", link={"enabled": False})
    early = [fill(alice.drop / name) for name in ("early", "later")]
    async with running(alice):
        await wait_until(lambda: len(os.listdir(alice.outbox)) == 2, seconds=30)
    (alice.outbox / f"later{ENVELOPE_SUFFIX}").unlink()  # moved to a stick, and lost
    link_up((alice, "bob"))
    async with running(alice) as one, running(bob):
        first = await become_known(alice, bob)
        await until_received(bob, first, *early)
        assert received(bob).keys() == {"first", "early", "later"}
        for name in ("first", "early", "later"):
            await until_handed_over(one, name, HandoverState(handovers(one)[name].state))
        await wait_until(lambda: os.listdir(alice.outbox) == [], seconds=30)
