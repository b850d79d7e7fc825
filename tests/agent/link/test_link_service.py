"""The links of a running agent: its port, its address record, and who is called and cut off."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.link.linked import (
    LINK,
    PATIENCE,
    become_known,
    handovers,
    link_up,
    received,
    until_handed_over,
    until_linked,
    until_received,
)
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.link import link_service
from tuishare.agent.link.calls import Calls
from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.link.own_record import OwnRecord
from tuishare.core.records import HandoverState
from tuishare.envelope import CardKey, open_envelope
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.link.address_record import read_record, sign_record
from tuishare.link.session import Session
from tuishare.net.endpoints import Endpoint
from tuishare.people import User

pytestmark = pytest.mark.swarm


@pytest.fixture
def linked(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> tuple[Home, Home]:
    monkeypatch.setattr(link_service, "_LOOK_SECONDS", 0.1)
    link_up((alice, "bob"), (bob, "alice"))
    return alice, bob


def has_link(agent: Agent, friend: Home) -> bool:
    links = agent._parts.link.links
    return links is not None and links.get(friend.identity.signer) is not None


async def test_a_port_in_use_is_a_problem_until_it_is_free(linked: tuple[Home, Home]) -> None:
    alice, _ = linked
    with socket.create_server(("127.0.0.1", 0)) as taken:
        alice.configure("bob", link={"listen": f"127.0.0.1:{taken.getsockname()[1]}"})
        async with running(alice) as agent:
            (problem,) = agent.view.status().problems
            assert (problem.id, agent.view.status().listen_link) == ("link", None)
            assert "link.listen" in problem.hint
            taken.close()
            await wait_until(lambda: agent.view.status().listen_link is not None)
            assert agent.view.status().problems == ()


async def test_a_user_book_with_a_mistake_does_not_lock_contacts_out_of_the_mailbox(
    linked: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = linked
    alice.know(User("bob", card=bob.identity.card("bob"), verified=True))
    book, taken = alice.places.users_file.read_text(), list[tuple[bytes, ...]]()
    monkeypatch.setattr(HubMembership, "take_contacts", lambda _, contacts: taken.append(contacts))
    alice.places.users_file.write_text("[[user]]\n")
    async with running(alice) as agent:
        await wait_until(lambda: "users" in {problem.id for problem in agent.view.status().problems})
        alice.places.users_file.write_text(book)
        await agent.service.reload()
        await wait_until(lambda: bool(taken))
        assert taken[0] == (bob.identity.signer,)


async def test_without_links_there_is_no_port_key_or_record(alice: Home, bob: Home) -> None:
    async with running(alice) as agent:
        fill(alice.drop / "x")
        envelope = alice.outbox / f"x{ENVELOPE_SUFFIX}"
        await wait_until(envelope.exists, seconds=PATIENCE)
        assert (
            open_envelope(envelope.read_bytes(), [CardKey(bob.identity.private_key)]).manifest.record == b""
        )
        assert agent.view.status().listen_link is None
        assert not alice.places.link_key_file.exists()


async def test_behind_a_proxy_there_are_no_links(alice: Home) -> None:
    alice.configure(link=LINK, network={"listen": "127.0.0.1:0", "proxy": "socks5://127.0.0.1:9"})
    async with running(alice) as agent:
        assert (agent._parts.link.is_enabled, agent.view.status().listen_link) == (False, None)


async def test_the_record_grows_with_the_addresses_only_and_reaches_contacts(
    linked: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = linked
    looks: Counter[bytes] = Counter()  # by the record in force afterwards
    refresh = OwnRecord.refresh

    async def count(own: OwnRecord, port: int | None) -> bool:
        is_newer = await refresh(own, port)
        looks[own.signed] += 1
        return is_newer

    monkeypatch.setattr(OwnRecord, "refresh", count)
    async with running(alice) as one, running(bob) as other:
        await become_known(alice, bob)
        await until_linked(other, alice)
        before = read_record(one._context.address_record.current)
        alice.configure(
            "bob",
            link=LINK,
            network={"listen": "127.0.0.1:0", "share_addresses": False, "public_host": "alice.example"},
        )

        def known() -> tuple[str, ...]:
            record = other._parts.link.contacts.record_of(alice.identity.signer)
            return record.addresses if record else ()

        await wait_until(lambda: any("alice.example" in each for each in known()), seconds=PATIENCE)
        after = one._context.address_record.current
        assert read_record(after).sequence > before.sequence
        await wait_until(lambda: looks[after] > 2)
        assert one._context.address_record.current == after


async def test_a_record_that_is_made_while_a_link_is_opened_reaches_the_contact_over_it(
    linked: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hello of that link has said the former one, and other links are told while it is not among them yet."""
    alice, bob = linked
    is_opened, go_on = asyncio.Event(), asyncio.Event()
    wait_opened = Session.wait_opened

    async def hold(session: Session) -> None:
        await wait_opened(session)
        if session._peer.signer == alice.identity.signer:
            is_opened.set()
            await go_on.wait()

    monkeypatch.setattr(Session, "wait_opened", hold)
    async with running(alice) as one, running(bob) as other:
        await become_known(alice, bob)
        await asyncio.wait_for(is_opened.wait(), PATIENCE)
        bob.configure("alice", link=LINK, network={"listen": "127.0.0.1:0", "public_host": "bob.example"})
        await other.service.reload()

        def made() -> bytes:
            return other._context.address_record.current

        await wait_until(
            lambda: any("bob.example" in each for each in read_record(made()).addresses), seconds=PATIENCE
        )
        go_on.set()
        await wait_until(
            lambda: one._parts.link.contacts.signed_record_of(bob.identity.signer) == made(), seconds=PATIENCE
        )


async def test_an_older_record_changes_nothing(linked: tuple[Home, Home]) -> None:
    alice, bob = linked
    async with running(alice), running(bob) as other:
        await become_known(alice, bob)
        contacts = other._parts.link.contacts
        known = contacts.record_of(alice.identity.signer)
        assert known is not None
        for sequence, is_kept in ((known.sequence, False), (1, False), (known.sequence + 1, True)):
            signed = sign_record(
                alice.identity.signing_key,
                link_key=known.link_key,
                sequence=sequence,
                issued=1,
                addresses=[Endpoint("127.0.0.1", 9)],
            )
            assert await contacts.keep(read_record(signed), signed) is is_kept


async def test_a_rotated_identity_goes_on_over_links_alone(linked: tuple[Home, Home]) -> None:
    """The envelope that introduces the new card comes over a link as well."""
    alice, bob = linked
    async with running(alice) as one, running(bob) as other:
        first = await become_known(alice, bob)
        await until_linked(one, bob)
        await one.service.rotate_identity()
        signer = one._context.identity.current.signer
        await wait_until(lambda: other._context.users.read().signer(signer) is not None, seconds=PATIENCE)
        await until_received(bob, first, fill(alice.drop / "second"))


@pytest.mark.parametrize("caller", ["alice", "bob"])
async def test_both_sides_call_and_one_link_stays(linked: tuple[Home, Home], caller: str) -> None:
    alice, bob = linked
    async with running(alice) as one, running(bob) as other:
        await become_known(alice, bob)
        sides = {"alice": (one, bob), "bob": (other, alice)}
        for agent, friend in sides.values():
            await until_linked(agent, friend)
        agent, friend = sides[caller]
        links = agent._parts.link.links
        assert links is not None
        record = agent._parts.link.contacts.record_of(friend.identity.signer)
        former = links.get(friend.identity.signer)
        assert record is not None
        assert former is not None
        stream = await agent._parts.link._dial(record)
        calling = links.run(
            stream,
            links.peer(friend.identity.signer),
            record.link_key,
            called_by=agent._context.identity.current.signer,
        )
        task = asyncio.create_task(calling)
        await wait_until(lambda: task.done() or former.closed.done())
        assert len(links) == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for agent, friend in sides.values():
            await until_linked(agent, friend)


@pytest.mark.parametrize("change", ["unverified", "removed"])
async def test_a_user_who_is_no_contact_any_longer_is_cut_off(
    linked: tuple[Home, Home], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = linked
    calls: Counter[bytes] = Counter()  # by the agent that is called
    call = Calls._call

    async def count(caller: Calls, signer: bytes) -> bool:
        was_open = await call(caller, signer)
        calls[signer] += 1
        return was_open

    monkeypatch.setattr(Calls, "_call", count)
    async with running(alice) as one, running(bob):
        first = await become_known(alice, bob)
        await until_linked(one, bob)
        alice.know(*([bob.user(verified=False)] if change == "unverified" else []))
        await wait_until(lambda: not has_link(one, bob))
        calls.clear()
        fill(alice.drop / "second")
        if change == "unverified":
            await until_handed_over(one, "second", HandoverState.WAITING)
        await wait_until(lambda: calls[alice.identity.signer] > 1, seconds=PATIENCE)  # in vain
        assert not has_link(one, bob)
        assert received(bob) == {"first": first.read_bytes()}
        alice.know(bob.user())
        await until_received(bob, first, alice.drop / "second")


async def test_nothing_is_handed_over_to_a_user_who_was_revoked_while_away(linked: tuple[Home, Home]) -> None:
    alice, bob = linked
    async with running(alice) as one:
        async with running(bob):
            first = await become_known(alice, bob)
        fill(alice.drop / "second")
        await until_handed_over(one, "second", HandoverState.WAITING)
        (share,) = [each for each in one._drops.repository.shares.values() if each.name == "second"]
        await wait_until(lambda: one._drops.repository.shares[share.id].sealed == 1, seconds=PATIENCE)
        await one._drops.commands.revoke(share.id, "bob")
        waiting = one._parts.link.handovers.waiting(bob.identity.signer)
        assert share.id not in [record.share for record in waiting]
        third = fill(alice.drop / "third")
        await until_handed_over(one, "third", HandoverState.WAITING)
        async with running(bob) as other:
            await until_received(bob, first, third)  # which came after what is not handed over
            assert {download.name for download in other.view.downloads()} == {"first", "third"}
        assert handovers(one).get("second") is None or handovers(one)["second"].user != "bob"
