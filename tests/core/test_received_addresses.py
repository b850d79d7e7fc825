"""What an envelope names, and which of it is used."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, opened, seal_manifest, share_of
from tests.agent.network.test_tracker_service import PIN, announcing
from tests.tracker.trackers import answering, http_answer
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import ActivityKind, DownloadState
from tuishare.config.model import Config, TrackerSettings, Transport
from tuishare.core.received_addresses import (
    describe_refused,
    find_refused,
    read_contacts,
    rules_for,
    show_tracker,
)
from tuishare.core.records import TrackerAddress
from tuishare.envelope import Announce
from tuishare.net.addresses import MOST_CONTACTS
from tuishare.net.local_machine import mark_port
from tuishare.swarm import Endpoint, TorrentSpec

KEY = "ab" * 32


def refused(transport: Transport, contacts: tuple[str, ...], *urls: str, pin: str = PIN) -> tuple[str, ...]:
    rules = rules_for(Config(), transport, contacts)
    return find_refused(contacts, [TrackerAddress(url, pin) for url in urls], rules)


def test_what_an_honest_agent_writes_is_used() -> None:
    contacts = ("alice.example:50007", "192.0.2.7:50007", "[2001:db8::7]:50007", "127.0.0.1:50007")
    hosts = (contact.rpartition(":")[0] for contact in contacts)
    assert refused("tls", contacts, *(f"https://{host}:50009/announce/{KEY}" for host in hosts)) == ()


def test_what_is_not_is_said_without_secrets() -> None:
    said = refused(
        "tls",
        ("169.254.169.254:80", "nonsense", "192.0.2.7:0", "192.0.2.7:50007"),
        f"http://127.0.0.1:28080/api/stop?confirm={KEY}",
        f"https://evil.example/announce/{KEY}",
        f"https://{KEY}@192.0.2.7/announce",
    )
    assert said == (
        "169.254.169.254:80 is link-local",
        "nonsense is not a host and a port",
        "192.0.2.7:0 is not a host and a port",
        "the tracker 127.0.0.1:28080 is neither at an address of the sender nor in the settings",
        "the tracker evil.example:443 is neither at an address of the sender nor in the settings",
        "the tracker with a strange URL has no announce URL",
    )
    assert describe_refused(said).endswith("; and 2 more")


def test_many_contacts_are_cut_and_that_is_said() -> None:
    contacts = tuple(f"192.0.2.{number}:7" for number in range(1, 30))
    assert refused("tls", contacts) == (f"only the first {MOST_CONTACTS} of 29 addresses are used",)


def test_the_settings_may_name_more() -> None:
    config = Config(tracker=TrackerSettings(others=["http://t.example/announce.php?k={passkey}"]))
    rules = rules_for(config, "tls", ())
    assert rules.fault(f"http://t.example/announce.php?k={KEY}", pinned=False) is None


def test_a_tracker_is_shown_without_its_secrets() -> None:
    assert show_tracker(f"https://t.example/announce/{KEY}") == "t.example:443"
    assert KEY not in show_tracker(f"https://{KEY}@t.example/announce")


def test_contacts_are_read_one_by_one() -> None:
    assert read_contacts(("x", "192.0.2.7:7")) == (Endpoint("192.0.2.7", 7),)


async def test_an_agent_asks_nothing_of_this_machine_because_of_an_envelope(alice: Home, bob: Home) -> None:
    """Of a verified sender, in a swarm whose trackers are asked over http."""
    network = {"listen": "127.0.0.1:0", "listen_plain": "127.0.0.1:0", "share_addresses": False}
    bob.configure(network=network)
    path = fill(alice.drop / "film")
    share = share_of(path, transport="plain")
    async with answering(http_answer(b"de")) as trap, opened(alice) as seed, running(bob) as agent:
        await seed.engine.add(TorrentSpec(share.torrent, path.parent, "plain", None, complete=True))
        here = f"127.0.0.1:{trap.port}"
        urls = (f"http://{here}/api/stop?confirm=yes", f"http://{here}/announce/{{passkey}}")
        envelope = seal_manifest(
            alice,
            share,
            bob.user(),
            contacts=(here, "169.254.169.254:80", f"127.0.0.1:{seed.engine.listening['plain']}"),
            announce=tuple(Announce(url, None) for url in urls),
        )
        (bob.inbox / "film.torrent.encrypted").write_bytes(envelope)
        await wait_until(lambda: [each.state for each in agent.view.downloads()] == [DownloadState.COMPLETE])
        await _judged_trackers(agent)
        assert (trap.connections, trap.text) == (0, b"")
        details = await agent.service.download_details(agent.view.downloads()[0].id)
    (said,) = [event.detail for event in details.history if event.kind is ActivityKind.IGNORED]
    assert said == (
        "Addresses of the envelope that are not used: 169.254.169.254:80 is link-local; "
        f"the tracker {here} has a path that does not begin with /announce"
    )


async def _judged_trackers(agent: Agent) -> None:
    """Ask what libtorrent would ask, however soon it does."""
    announcing = agent._context.tracker
    assert announcing._routes is not None
    relay = announcing._routes._relay
    assert all(target.judged for target in relay._targets.values())
    async with aiohttp.ClientSession() as session:
        for token in relay._targets:
            url = f"http://127.0.0.1:{relay._listener.port}/announce/{token}?left=1"
            async with session.get(url) as answer:
                assert b"is not contacted" in await answer.read()


@pytest.mark.parametrize("marked", [True, False])
async def test_a_tracker_on_this_machine_is_asked_where_it_is_one_of_ours(alice: Home, marked: bool) -> None:
    async with announcing(alice) as (ours, config), answering(http_answer(b"de")) as tracker:
        url = f"http://127.0.0.1:{tracker.port}/announce/{KEY}"
        mark = mark_port("127.0.0.1", tracker.port) if marked else None
        rules = rules_for(config, "plain", (f"127.0.0.1:{tracker.port}",))
        ((local,),) = await ours.tiers([TrackerAddress(url, "")], rules)
        await _get(local)
        assert tracker.connections == marked
        if mark:
            mark.close()


async def test_a_tracker_that_the_settings_name_is_asked_wherever_it_is(alice: Home) -> None:
    async with answering(http_answer(b"de")) as tracker:
        url = f"http://127.0.0.1:{tracker.port}/announce/{{passkey}}"
        async with announcing(alice, others=[url]) as (ours, config):
            mine = TrackerAddress(url.format(passkey=KEY), "")
            ((local,),) = await ours.tiers([mine], rules_for(config, "tls", ()))
            await _get(local)
            ((again,),) = await ours.tiers(
                [mine], replace(rules_for(config, "plain", ("127.0.0.1:1",)), chosen=())
            )
            assert again == local  # another judgement of the same tracker
            await _get(local)
            ours.forget([mine])
        assert tracker.connections == 1


@pytest.mark.parametrize(
    ("url", "tiers"),
    [
        ("udp://localhost:7", ()),
        ("udp://127.0.0.1:7", ()),
        ("udp://169.254.169.254:7/announce", ()),
        ("udp://192.0.2.77:7/announce", (("udp://192.0.2.77:7/announce",),)),
        ("udp://nowhere.invalid:7", ()),
    ],
)
async def test_a_udp_tracker_is_judged_before_libtorrent_hears_of_it(
    alice: Home, url: str, tiers: tuple[tuple[str, ...], ...]
) -> None:
    async with announcing(alice) as (ours, config):
        rules = rules_for(config, "plain", (), any_host=True)
        assert await ours.tiers([TrackerAddress(url, "")], rules) == tiers


async def _get(local: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{local}?left=1") as answer:
        assert answer.status == 200
