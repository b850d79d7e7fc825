"""The link port: contacts get a link, strangers one message, and every failure ends alike."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from ipaddress import ip_address

import asyncssh
import pytest

from tests.link.agents import Agent, envelope, listening
from tests.link.samples import ALICE, BOB, MALLORY, Person
from tests.waiting import wait_until
from tuishare.envelope import canonical
from tuishare.errors import SystemFailed
from tuishare.link.caller import Caller
from tuishare.link.client import call_contact, redeem_invitation
from tuishare.link.connection import ChannelStream
from tuishare.link.connection_admission import Admission, LinkLimits
from tuishare.link.dial import Destination, connect
from tuishare.link.invitation_exchange import make_redeem
from tuishare.link.link_key import LinkKey
from tuishare.link.messages import Introduce, Ping, encode_content_head, encode_message
from tuishare.link.outgoing import HandedOver
from tuishare.link.peer import LinkFailed, LinkPeer, LinkStream
from tuishare.link.server import LinkServer

FAST = LinkLimits(refusal_seconds=0.3, stranger_seconds=1.5, turn_seconds=0.0, burst=1000)


@pytest.fixture
def limits() -> LinkLimits:
    return FAST


async def say(agent: Agent, person: Person, data: bytes) -> float:
    """Send bytes as a stranger with their own link key; return the seconds until the connection ends, unanswered."""
    stream = await connect(person.link_key, agent.destination)
    since = time.monotonic()
    stream.write(data)
    with pytest.raises(LinkFailed, match="ended the link"):
        await asyncio.wait_for(stream.read(1), 10)
    return time.monotonic() - since


REPLAYED = Introduce(BOB.record(9))
REFUSED = {
    "a record of an unknown identity": encode_message(Introduce(MALLORY.record())),
    "a contact's record with another link key": encode_message(REPLAYED),
    "a record that is none": encode_message(Introduce(b"?")),
    "an unknown invitation": encode_message(make_redeem(ALICE.invitation(), MALLORY.party)),
    "a contact's message": encode_message(Ping()),
    "a later version's message": (16).to_bytes(4, "big") + canonical.encode({"kind": "something"}),
    "no message": b"\0\0\0\x05hello",
    "an empty frame": b"\0\0\0\0",
    "a frame too long": (4097).to_bytes(4, "big"),
    "content": encode_content_head(4) + b"data",
}


@pytest.mark.parametrize("what", REFUSED)
async def test_whatever_a_stranger_does_wrong_their_connection_ends_alike(alice: Agent, what: str) -> None:
    alice.know(Agent(BOB))
    took = await say(alice, MALLORY, REFUSED[what])
    assert 0.25 < took < 0.9
    assert alice.sessions == []
    known = alice.contacts[BOB.signer].record
    assert known is not None
    assert known.sequence == 1


async def test_a_redeemed_message_with_a_wrong_mac_ends_like_an_unknown_one(alice: Agent) -> None:
    invitation = ALICE.invitation()
    alice.invitations[invitation.id] = invitation
    redeem = make_redeem(ALICE.invitation(token=b"u" * 16), MALLORY.party)
    forged = type(redeem)(invitation.id, redeem.card, redeem.record, redeem.mac)
    assert 0.25 < await say(alice, MALLORY, encode_message(forged)) < 0.9
    assert alice.joined == []
    assert alice.invitations == {invitation.id: invitation}


async def test_a_stranger_who_says_nothing_is_ended(alice: Agent) -> None:
    assert 1.0 < await say(alice, MALLORY, b"") < 3.0
    assert 1.0 < await say(alice, MALLORY, b"\0\0") < 3.0


async def test_a_contact_with_a_new_link_key_introduces_themselves(alice: Agent) -> None:
    bob = Agent(BOB)
    alice.know(bob)
    bob.key = LinkKey.from_seed(b"n" * 32)
    bob.sequence = 2
    bob.know(alice)
    async with bob.calling(alice) as session:
        assert isinstance(await session.offer(*envelope()), HandedOver)
    assert alice.find(BOB.signer, bob.key.public_key) is not None
    assert alice.find(BOB.signer, BOB.link_key.public_key) is None


async def test_a_contact_who_shows_the_record_of_another_is_refused(alice: Agent) -> None:
    alice.know(Agent(BOB))
    alice.know(Agent(MALLORY))
    assert 0.25 < await say(alice, MALLORY, encode_message(Introduce(BOB.record(3)))) < 0.9


async def test_a_contact_who_claims_the_link_key_of_another_does_not_keep_them_out(alice: Agent) -> None:
    """Threat T23."""
    mallory, bob = Agent(MALLORY), Agent(BOB)
    mallory.key = bob.key  # says so in a record; to prove the key is another matter
    alice.know(mallory)
    alice.know(bob)
    bob.know(alice)
    async with bob.calling(alice) as session:
        assert isinstance(await session.offer(*envelope()), HandedOver)
    assert (len(alice.contacts[BOB.signer].inbox), alice.contacts[MALLORY.signer].inbox) == (1, {})


async def test_an_invitation_makes_both_known(alice: Agent) -> None:
    invitation = ALICE.invitation(alice.endpoint)
    alice.invitations[invitation.id] = invitation
    found = await redeem_invitation(BOB.link_key, invitation, BOB.party)
    (joined,) = alice.joined
    assert (found.card, joined.card) == (ALICE.card, BOB.card)
    assert found.words == joined.words
    with pytest.raises(LinkFailed, match="did not take the invitation"):
        await redeem_invitation(MALLORY.link_key, invitation, MALLORY.party)


async def test_another_host_key_ends_the_call_before_anything_is_shown(
    alice: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(Caller, "validate_public_key", lambda *key: shown.append(key))
    bob = Agent(BOB)
    expected = Destination(MALLORY.link_key.public_key, [alice.endpoint])
    with pytest.raises(LinkFailed, match="has another link key"):
        await call_contact(bob.key, expected, bob.record())
    assert shown == []
    assert alice.sessions == []


async def test_the_first_address_that_proves_the_key_is_kept(alice: Agent) -> None:
    other = Agent(MALLORY)
    bob = Agent(BOB)
    alice.know(bob)
    bob.know(alice)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with listening(other):
            endpoints = [other.endpoint, type(other.endpoint)("127.0.0.1", silent.getsockname()[1])]
            destination = Destination(alice.key.public_key, [*endpoints, alice.endpoint])
            since = time.monotonic()
            stream = await call_contact(bob.key, destination, bob.record())
            assert time.monotonic() - since < 3
            stream.close()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("169.254.1.1:22", "is link-local"),
        ("127.0.0.1:1", "is this machine, where no"),
        ("[ff02::1]:22", "is multicast"),
        ("no-such-name.invalid:22", "is not known"),
    ],
)
async def test_what_must_not_be_called_is_not_called(address: str, sentence: str) -> None:
    from tuishare.net.endpoints import parse_endpoint

    destination = Destination(ALICE.link_key.public_key, [parse_endpoint(address)])
    with pytest.raises(LinkFailed, match=sentence):
        await call_contact(BOB.link_key, destination, BOB.record())


async def test_without_an_address_the_reason_is_said() -> None:
    with pytest.raises(LinkFailed, match="names no address"):
        await call_contact(BOB.link_key, Destination(ALICE.link_key.public_key, []), BOB.record())


async def test_both_families_are_answered() -> None:
    alice, bob = Agent(ALICE), Agent(BOB)
    async with listening(alice, host=""):
        alice.know(bob)
        for host in ("127.0.0.1", "::1"):
            endpoint = type(alice.endpoint)(host, alice.endpoint.port)
            stream = await call_contact(bob.key, Destination(alice.key.public_key, [endpoint]), bob.record())
            stream.close()


async def test_a_taken_port_is_said(alice: Agent) -> None:
    with pytest.raises(SystemFailed, match="for links"):
        await LinkServer.open(alice.key, alice, alice.serve, "127.0.0.1", alice.endpoint.port)


async def test_a_contact_has_two_links_at_most_and_the_newest_stay(alice: Agent) -> None:
    bob = Agent(BOB)
    alice.know(bob)
    bob.know(alice)
    async with bob.calling(alice) as first, bob.calling(alice) as second:
        await first.wait_opened()
        await second.wait_opened()
        async with bob.calling(alice) as third:
            await third.wait_opened()
            await wait_until(lambda: first._end is not None)
            for session, number in ((second, 1), (third, 2)):
                assert isinstance(await session.offer(*envelope(number)), HandedOver)


async def test_closing_the_port_ends_all_links(alice: Agent) -> None:
    bob = Agent(BOB)
    alice.know(bob)
    bob.know(alice)
    async with bob.calling(alice) as session:
        await session.wait_opened()
        assert alice.server is not None
        await alice.server.close()
        await wait_until(lambda: session._end is not None)


async def test_contacts_get_a_link_while_strangers_hold_all_the_connections_they_get() -> None:
    alice, bob = Agent(ALICE), Agent(BOB)
    limits = LinkLimits(connections=16, per_address=8, per_site=8, per_provider=8, reserved=4, turn_seconds=0)
    async with listening(alice, limits=limits), contextlib.AsyncExitStack() as stack:
        alice.know(bob)
        bob.know(alice)
        held = []
        for number in range(60):
            connection = stack.enter_context(socket.socket())
            connection.setblocking(False)
            connection.bind((f"127.{number % 9 + 1}.{number}.1", 0))
            with contextlib.suppress(BlockingIOError):
                connection.connect(("127.0.0.1", alice.endpoint.port))
            held.append(connection)
        assert alice.server is not None
        await wait_until(lambda: len(alice.server._ssh.slots) == 12)  # type: ignore[union-attr]
        for _ in range(5):
            async with bob.calling(alice) as session:
                await session.wait_opened()
        assert len(alice.server._ssh.slots) <= 16


def test_an_address_with_many_refusals_is_not_answered_for_a_while_unless_it_is_a_contact_s() -> None:
    now = 0.0
    admission = Admission(LinkLimits(burst=10, rate=1.0), lambda: now)
    attacker, contact = ip_address("192.0.2.1"), ip_address("192.0.2.2")
    bounds = admission.slots.bounds
    assert bounds.admits(attacker)
    admission.note_refusal(attacker)
    admission.note_refusal(attacker)
    assert bounds.admits(attacker)
    assert not bounds.admits(attacker)
    now = 5.0
    assert bounds.admits(attacker)
    admission.note_contact(contact)
    for _ in range(50):
        admission.note_refusal(contact)
        assert bounds.admits(contact)
    now = 4000.0
    assert not bounds.prefers(contact)


async def test_an_address_from_which_strangers_were_refused_gets_no_connection_for_a_while() -> None:
    alice, bob = Agent(ALICE), Agent(BOB)
    limits = LinkLimits(burst=10, rate=0.001, refusal_seconds=0.0, turn_seconds=0.0)
    async with listening(alice, limits=limits):
        alice.know(bob)
        bob.know(alice)
        for _ in range(2):
            await say(alice, MALLORY, encode_message(Ping()))
        with pytest.raises(LinkFailed):
            await connect(MALLORY.link_key, alice.destination)
        # It is still listening, and others are not affected.
        other = socket.create_connection(("127.0.0.1", alice.endpoint.port), source_address=("127.9.9.9", 0))
        other.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(other, 8) == b"SSH-2.0-"
        other.close()


async def test_an_introduction_sent_as_content_is_none(alice: Agent) -> None:
    bob = Agent(BOB)
    alice.know(bob)
    introduction = encode_message(Introduce(bob.record()))[4:]
    assert 0.25 < await say(alice, BOB, encode_content_head(len(introduction)) + introduction) < 0.9
    assert alice.sessions == []


async def test_what_is_remembered_of_addresses_is_bounded() -> None:
    admission = Admission(LinkLimits(addresses=10))
    for number in range(100):
        admission.note_contact(ip_address(number + 1))
    assert len(admission._contacts) == 10


async def test_a_stranger_may_send_little_whatever_it_is(alice: Agent) -> None:
    """Small packets by the thousand would keep the event loop busy for as long as a stranger has."""
    connection = await asyncssh.connect(
        "127.0.0.1",
        alice.endpoint.port,
        config=None,
        username="link",
        known_hosts=None,
        client_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        kex_algs=["mlkem768x25519-sha256"],
    )
    since = time.monotonic()
    for _ in range(2000):
        connection.send_debug("x")
    await asyncio.wait_for(connection.wait_closed(), 5)
    assert time.monotonic() - since < 1.0


async def test_a_contact_may_send_much(alice: Agent) -> None:
    bob = Agent(BOB)
    alice.know(bob)
    bob.know(alice)
    async with bob.calling(alice) as session:
        for number in range(30):
            assert isinstance(await session.offer(*envelope(number)), HandedOver)


async def test_what_is_not_read_is_not_taken_from_the_network(alice: Agent) -> None:
    alice.know(Agent(BOB))
    streams: list[ChannelStream] = []
    ended = asyncio.Event()

    async def serve(stream: LinkStream, peer: LinkPeer, link_key: bytes, host: str) -> None:
        assert isinstance(stream, ChannelStream)
        streams.append(stream)
        await ended.wait()

    assert alice.server is not None
    alice.server._serve = serve
    stream = await call_contact(BOB.link_key, alice.destination, BOB.record())
    await wait_until(lambda: len(streams) == 1)
    data = b"0123456789abcdef" * 250_000
    stream.write(data)
    await wait_until(lambda: streams[0]._reading_paused)
    await call_contact(BOB.link_key, alice.destination, BOB.record())  # time enough for more to come
    assert 100_000 < len(streams[0]._buffer) < 600_000
    assert await asyncio.wait_for(streams[0].read(len(data)), 20) == data
    ended.set()


async def test_nothing_but_public_keys_is_taken(alice: Agent) -> None:
    methods = await asyncssh.get_server_auth_methods("127.0.0.1", alice.endpoint.port, username="link")
    assert list(methods) == ["publickey"]
