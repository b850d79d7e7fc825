"""Making the parts of the room of links.

Owns which part gets what. `tuishare.agent.startup` calls it and connects the parts with those of other rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tuishare.agent.context import Context
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.link.arrivals import Arrivals
from tuishare.agent.link.callers import ContactCallers
from tuishare.agent.link.calls import Calls, Dial
from tuishare.agent.link.contact_peer import LinkParts
from tuishare.agent.link.contacts import Contacts
from tuishare.agent.link.earlier_shares import EarlierShares, Seal
from tuishare.agent.link.given_introductions import GivenIntroductions
from tuishare.agent.link.handovers import Handovers
from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.link.introductions import UserIntroductions
from tuishare.agent.link.invitations import Invitations
from tuishare.agent.link.joined_users import EditUsers, JoinedUsers
from tuishare.agent.link.joins import Call, Joins
from tuishare.agent.link.known_cards import KnownCards
from tuishare.agent.link.link_service import LinkNeeds, LinkService, MailboxParts, OpenParts
from tuishare.agent.link.open_links import OpenLinks
from tuishare.agent.link.outbox_upkeep import OutboxUpkeep
from tuishare.agent.link.own_record import OwnRecord
from tuishare.agent.link.received_introductions import ReceivedIntroductions
from tuishare.agent.network.reach_client import ReachClient
from tuishare.agent.network.reachability import tracker_contacts
from tuishare.agent.network.ssh_reach import SshReach
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.outbox import Outbox
from tuishare.agent.shares.repository import ShareRepository
from tuishare.core.records import ShareRecord
from tuishare.link.link_key import LinkKey
from tuishare.net.endpoints import Endpoint, parse_endpoint
from tuishare.net.local_machine import EVERY_IPV4


def make_contacts(context: Context) -> Contacts:
    """Make the contacts."""
    return Contacts(
        context.store,
        identity=context.identity,
        events=context.events,
        changed=context.changed,
        hub_hosts=context.hub_hosts,
    )


def make_handovers(context: Context, deliveries: Deliveries) -> Handovers:
    """Make what is handed over."""
    return Handovers(
        *(deliveries, context.store, context.places.link_outgoing),
        users=context.users,
        activity=context.activity,
        events=context.events,
        changed=context.changed,
        clock=context.clock,
    )


def make_arrivals(context: Context, downloads: DownloadRepository) -> Arrivals:
    """Make what arrives."""
    return Arrivals(
        *(downloads, context.store, context.places.link_incoming),
        settings=context.settings,
        identity=context.identity,
        users=context.users,
        clock=context.clock,
    )


def make_introductions(context: Context, contacts: Contacts, edit_users: EditUsers) -> UserIntroductions:
    """Make what is known of introductions."""
    known_cards = KnownCards(context.store, context.clock)
    identity, users, changed, clock = context.identity, context.users, context.changed, context.clock
    return UserIntroductions(
        known_cards,
        GivenIntroductions(
            *(contacts, context.store),
            settings=context.settings,
            identity=identity,
            users=users,
            changed=changed,
            clock=clock,
        ),
        ReceivedIntroductions(
            *(contacts, known_cards, edit_users, context.store),
            users=users,
            activity=context.activity,
            changed=changed,
            clock=clock,
        ),
    )


def make_outbox_upkeep(
    context: Context,
    shares: Mapping[str, ShareRecord],
    deliveries: Deliveries,
    handovers: Handovers,
    outbox: Outbox,
) -> OutboxUpkeep:
    """Make what takes envelopes out of the outbox that need not be carried."""
    return OutboxUpkeep(
        *(shares, deliveries, handovers, outbox),
        settings=context.settings,
        events=context.events,
        activity=context.activity,
    )


def make_invitations(context: Context, own_record: OwnRecord, users: JoinedUsers) -> Invitations:
    """Make the invitations that are given out."""
    return Invitations(
        *(own_record, users, context.store),
        activity=context.activity,
        changed=context.changed,
        clock=context.clock,
    )


def make_joins(context: Context, own_record: OwnRecord, users: JoinedUsers, call: Call) -> Joins:
    """Make the invitations of other agents that are used."""
    return Joins(
        *(own_record, users, context.store, call),
        identity=context.identity,
        activity=context.activity,
        changed=context.changed,
        clock=context.clock,
    )


def make_own_record(context: Context, key: LinkKey, membership: HubMembership) -> OwnRecord:
    """Make our address record."""

    def find_contacts(port: int) -> tuple[str, ...]:
        network, by_hub = context.settings.current.network, context.reach.current.link
        return tracker_contacts(network, context.engine, port, by_hub)

    return OwnRecord(
        *(key, context.store, find_contacts),
        settings=context.settings,
        identity=context.identity,
        clock=context.clock,
        address_record=context.address_record,
        membership=membership,
    )


def make_reach(context: Context, link: Callable[[], LinkService]) -> ReachClient:
    """Make what connects callers by hub to our own ports; `link` returns the links, once they are made."""
    config, engine, tracker = context.settings.current, context.engine, context.tracker
    return ReachClient(
        {
            "link": lambda: _own(config.link.listen, link().port),
            "tracker": lambda: _own(config.tracker.listen, tracker.port),
            "swarm": lambda: _own(config.network.listen, engine.listening.get("tls")),
        },
        *(context.callers, context.reach),
        lambda: context.settings.current.limits.hub_rate,
        on_change=lambda: link().look_at_addresses(),
        clock=context.clock,
    )


def _own(listen: str, port: int | None) -> Endpoint | None:
    """Return where a port of ours is reached from this machine."""
    host = parse_endpoint(listen, default_host=EVERY_IPV4, any_port=True).host if listen else EVERY_IPV4
    return Endpoint("127.0.0.1" if host in {EVERY_IPV4, "::"} else host, port) if port else None


def make_mailboxes(
    context: Context,
    key: LinkKey,
    membership: HubMembership,
    parts: LinkParts,
    links: OpenLinks,
    reach: ReachClient,
) -> MailboxParts:
    """Make what puts parcels into mailboxes, and takes those in ours."""
    # They import asyncssh, which takes 0.3 s: only where links are made.
    from tuishare.agent.link.hub_reach import HubReach
    from tuishare.agent.link.mailbox_receiver import MailboxReceiver
    from tuishare.agent.link.mailbox_sender import MailboxSender

    identity, changed, clock = context.identity, context.changed, context.clock
    by_hub = HubReach(key, membership, reach, context.settings)
    return MailboxParts(
        reach=by_hub,
        receiver=MailboxReceiver(
            *(by_hub, membership, parts, links.peer),
            identity=identity,
            wake=lambda signer: links.wakes[signer].notify(),
            changed=changed,
            clock=clock,
        ),
        sender=MailboxSender(membership, parts, links, identity=identity, changed=changed, clock=clock),
    )


def make_link(
    context: Context,
    shares: ShareRepository,
    downloads: DownloadRepository,
    *,
    seal: Seal,
    edit_users: EditUsers,
) -> LinkService:
    """Make the links; those of its parts that need the link key are made when it is known."""
    contacts, handovers = make_contacts(context), make_handovers(context, shares.deliveries)
    arrivals = make_arrivals(context, downloads)
    introductions = make_introductions(context, contacts, edit_users)
    identity, changed, clock = context.identity, context.changed, context.clock
    most = context.settings.current.link.connections
    membership = HubMembership(context.places.mailbox_file)
    reach = make_reach(context, lambda: service)

    def make_open_parts(key: LinkKey, dial: Dial, call: Call) -> OpenParts:
        own_record = make_own_record(context, key, membership)
        users = JoinedUsers(context.users, contacts, edit_users)
        invitations = make_invitations(context, own_record, users)
        joins = make_joins(context, own_record, users, call)
        parts = LinkParts(
            *(own_record, contacts, handovers, arrivals),
            given=introductions.given,
            received=introductions.received,
        )
        links = OpenLinks(parts, lambda: most, changed=changed, clock=clock)
        return OpenParts(
            parts=parts,
            mailboxes=make_mailboxes(context, key, membership, parts, links, reach),
            invitations=invitations,
            joins=joins,
            links=links,
            calls=Calls(parts, links, dial, identity=identity, changed=changed, clock=clock),
            callers=ContactCallers(parts, links, invitations),
        )

    needs = LinkNeeds(
        contacts=contacts,
        handovers=handovers,
        arrivals=arrivals,
        introductions=introductions,
        membership=membership,
        earlier_shares=EarlierShares(shares.shares, shares.deliveries, contacts, handovers, seal),
        reach=reach,
        callers_by_hub=context.callers,
        ssh_reach=SshReach(reach, context.settings.current, context.places.reach_key_file),
        key_file=context.places.link_key_file,
        make_open_parts=make_open_parts,
    )
    service = LinkService(
        *(needs, context.store, context.engine),
        settings=context.settings,
        events=context.events,
        changed=changed,
        clock=clock,
    )
    return service
