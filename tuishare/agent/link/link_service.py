"""The links of one agent: its port, its contacts, and what is handed over.

Owns the order in which the parts start and stop, and what they do upon the agent's events. asyncssh is imported here,
when links are made for the first time, because that takes 0.3 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import (
    AddressRecordFound,
    AddressRecordKept,
    ChangeSignal,
    EnvelopeLocked,
    EnvelopeRejected,
    EnvelopeWithdrawn,
    EventBus,
    RecipientExcluded,
    SettingsReloaded,
    ShareSealed,
    UserBookRead,
)
from tuishare.agent.link.arrivals import Arrivals
from tuishare.agent.link.callers import ContactCallers
from tuishare.agent.link.calls import Calls, Dial
from tuishare.agent.link.contact_peer import LinkParts
from tuishare.agent.link.contacts import Contacts
from tuishare.agent.link.earlier_shares import EarlierShares
from tuishare.agent.link.given_introductions import IntroductionOrder
from tuishare.agent.link.handovers import Handovers
from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.link.introductions import UserIntroductions
from tuishare.agent.link.invitations import Invitations
from tuishare.agent.link.joins import Call, Joins
from tuishare.agent.link.link_state import LinkState
from tuishare.agent.link.open_links import OpenLinks
from tuishare.agent.live import Live
from tuishare.agent.network.reach_client import ReachAddresses, ReachClient
from tuishare.agent.network.ssh_reach import SshReach
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.own_addresses import listen_addresses
from tuishare.core.problems import Problem
from tuishare.errors import BadConfiguration, Refused, SystemFailed, TuishareError, VerificationFailed
from tuishare.link.address_record import AddressRecord, read_record
from tuishare.link.invitation import Invitation, Party
from tuishare.link.invitation_exchange import Introduced
from tuishare.link.link_key import LinkKey, load_or_create_link_key
from tuishare.link.mailbox.enrolment import parse_enrolment
from tuishare.link.peer import LinkPeer, LinkStream
from tuishare.net.caller_addresses import CallerAddresses
from tuishare.net.endpoints import parse_listen_address
from tuishare.swarm import Engine

if TYPE_CHECKING:
    from tuishare.agent.link.hub_reach import HubReach
    from tuishare.agent.link.mailbox_receiver import MailboxReceiver
    from tuishare.agent.link.mailbox_sender import MailboxSender
    from tuishare.link.server import LinkServer

_LOOK_SECONDS: Final = 5.0
"""Seconds between looks at our own addresses, and between tries to open a port that is in use."""
_FOLLOW_SECONDS: Final = 0.2
"""Least seconds between looks for what was delivered."""
_OTHER_PORT: Final = (
    "Stop the other program, or choose another port: `tuishare config set link.listen :PORT`."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MailboxParts:
    """What takes parcels from our mailbox, puts those for contacts into theirs, and makes us reachable by the hub."""

    receiver: MailboxReceiver
    sender: MailboxSender
    reach: HubReach


@dataclass(frozen=True, slots=True)
class OpenParts:
    """The parts that need the link key."""

    parts: LinkParts
    mailboxes: MailboxParts
    invitations: Invitations
    joins: Joins
    links: OpenLinks
    calls: Calls
    callers: ContactCallers


@dataclass(frozen=True, slots=True)
class LinkNeeds:
    """The parts of the room, made by `tuishare.agent.startup_link`.

    Attributes:
        reach: connections that come by hub.
        callers_by_hub: who is behind the addresses that they come from.
        ssh_reach: the connection to an SSH server that makes us reachable.
        make_open_parts: makes the others, once the link key is known.
    """

    contacts: Contacts
    handovers: Handovers
    arrivals: Arrivals
    membership: HubMembership
    earlier_shares: EarlierShares
    introductions: UserIntroductions
    reach: ReachClient
    callers_by_hub: CallerAddresses
    ssh_reach: SshReach
    key_file: Path
    make_open_parts: Callable[[LinkKey, Dial, Call], OpenParts]


class LinkService:
    """All links of one agent; without `link.enabled`, or behind a proxy, it only keeps address records."""

    def __init__(
        self,
        needs: LinkNeeds,
        store: Store,
        engine: Engine,
        *,
        settings: Live[Config],
        events: EventBus,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._store = store
        self._engine = engine
        self._settings = settings
        self._events = events
        self._changed = changed
        self._clock = clock
        self._key_file = needs.key_file
        self._make_open_parts = needs.make_open_parts
        config = settings.current
        self.is_enabled = config.link.enabled and config.network.outgoing_proxy is None
        self.contacts = needs.contacts
        self.handovers = needs.handovers
        self._arrivals = needs.arrivals
        self._membership = needs.membership
        self._reach = needs.reach
        self._callers_by_hub = needs.callers_by_hub
        self._ssh_reach = needs.ssh_reach
        self._mailboxes: MailboxParts | None = None
        self._earlier_shares = needs.earlier_shares
        self.introductions = needs.introductions
        self._invitations: Invitations | None = None
        self._joins: Joins | None = None
        self._callers: ContactCallers | None = None
        self._server: LinkServer | None = None
        self._key: LinkKey | None = None
        self._parts: LinkParts | None = None
        self.links: OpenLinks | None = None
        self.calls: Calls | None = None
        self._ready = asyncio.Event()
        self._problem: Problem | None = None
        self._look = asyncio.Event()

    @property
    def port(self) -> int | None:
        """Where contacts call us, or None."""
        return self._server.port if self._server is not None else None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where contacts are told to call us, ``host:port``, best first."""
        return self._parts.own_record.addresses if self._parts is not None else ()

    @property
    def reach(self) -> ReachAddresses:
        """Where we are reachable by hub."""
        return self._reach.addresses

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems to show while no contact can call, our hub cannot be reached, or does not make us reachable."""
        of_hub = self._mailboxes.receiver.problem if self._mailboxes is not None else None
        return tuple(filter(None, (self._problem, of_hub, self._reach.problem)))

    def subscribe(self) -> None:
        """Subscribe to the events of users, shares and envelopes."""
        events = self._events
        events.subscribe(UserBookRead, self._take_book)
        events.subscribe_async(AddressRecordFound, self._on_record)
        if self.is_enabled:
            events.subscribe(SettingsReloaded, lambda _: self._look.set())
            events.subscribe(SettingsReloaded, lambda _: self.introductions.request())
            events.subscribe(UserBookRead, lambda event: self.introductions.take_book(event.book))
            events.subscribe(UserBookRead, lambda _: self._earlier_shares.request())
            events.subscribe(AddressRecordKept, lambda _: self._earlier_shares.request())
            events.subscribe(AddressRecordKept, lambda event: self._wake(event.signer))
            events.subscribe(RecipientExcluded, self._on_excluded)
            arrivals = self._arrivals
            events.subscribe(EnvelopeRejected, lambda event: arrivals.note_rejected(event.name, event.reason))
            events.subscribe(EnvelopeLocked, lambda event: arrivals.note_locked(event.name, event.reason))
            events.subscribe_async(ShareSealed, self._on_sealed)
            events.subscribe_async(EnvelopeWithdrawn, self.handovers.on_withdrawn)

    @property
    def invitations(self) -> Invitations:
        """The invitations that were given out.

        Raises:
            Refused: this agent makes no links.
        """
        if self._invitations is None:
            raise _no_links()
        return self._invitations

    @property
    def joins(self) -> Joins:
        """The invitations of other agents that are being used.

        Raises:
            Refused: this agent makes no links.
        """
        if self._joins is None:
            raise _no_links()
        return self._joins

    async def introduce(self, names: Sequence[str]) -> IntroductionOrder:
        """Introduce users to each other; errors as for `GivenIntroductions.introduce`.

        Raises:
            Refused: this agent makes no links.
        """
        if self.links is None:
            raise _no_links()
        order = await self.introductions.given.introduce(names)
        for signer in order.recipients:
            self._wake(signer)
        return order

    async def _redeem(self, invitation: Invitation, joiner: Party) -> Introduced:
        """Call an inviter."""
        from tuishare.link.client import redeem_invitation

        assert self._key is not None
        return await redeem_invitation(self._key, invitation, joiner)

    async def join_hub(self, text: str) -> str:
        """Become a member of a hub; our contacts learn of the mailbox from our address record.

        Returns:
            Its address.

        Raises:
            BadInput: the text is no string of a hub.
            Refused: this agent makes no links.
            LinkFailed: the hub is not reached, or does not take the string.
            SystemFailed: the membership cannot be recorded.
        """
        from tuishare.link.mailbox.client import enrol, hash_write_key

        enrolment = parse_enrolment(text)
        if self._key is None:
            raise _no_links()
        write_key = secrets.token_bytes(32)
        mailbox = await enrol(self._key, enrolment, hash_write_key(write_key))
        contacts = tuple(self.contacts.all())
        await asyncio.to_thread(self._membership.join, enrolment.place, mailbox, write_key, contacts)
        self._look.set()
        return enrolment.address

    def state_of(self, signer: bytes) -> LinkState:
        """Return the link to a contact."""
        if self.links is None or self.calls is None:
            return LinkState()
        if link := self.links.get(signer):
            return LinkState(since=link.since, called=link.called_by != signer)
        if failed := self.calls.failed.get(signer):
            away = self.links.left.get(signer, failed.since)
            return LinkState(away=away, error=failed.error, tried=failed.at, addresses=failed.addresses)
        return LinkState(away=self.links.left.get(signer, 0), error=self.links.ends.get(signer, ""))

    async def open(self) -> None:
        """Read what the last run left, listen, and make our address record, before anything is sealed.

        A port that is in use, or a link key that cannot be read, is shown as a problem.
        """
        await self.contacts.load()
        if not self.is_enabled:
            return
        retry = self._store.disk_retry.retry_until_written
        await retry(self.handovers.load)
        await retry(self.introductions.load)
        await asyncio.to_thread(importlib.import_module, "tuishare.link.server")
        await asyncio.to_thread(importlib.import_module, "tuishare.link.client")
        try:
            self._key = await retry(lambda: asyncio.to_thread(load_or_create_link_key, self._key_file))
        except TuishareError as error:
            self._show("Links are off", error, error.hint)
            return
        try:
            await retry(lambda: asyncio.to_thread(self._membership.load))
        except BadConfiguration as error:
            self._show("No mailbox", error, error.hint)
        made = self._make_open_parts(self._key, self._dial, self._redeem)
        self._joins = made.joins
        self._mailboxes = made.mailboxes
        self._parts, self._invitations, self._callers = made.parts, made.invitations, made.callers
        self.links, self.calls = made.links, made.calls
        made.mailboxes.reach.load()
        self._ssh_reach.load()
        await self._listen(self._key, self._callers)
        with isolate_errors("make the address record"), contextlib.suppress(SystemFailed):
            await made.parts.own_record.refresh(self.port)

    async def run(self) -> None:
        """Make and keep links until cancelled."""
        if self._parts is None or self.calls is None:
            await asyncio.Event().wait()
            return
        await self._store.disk_retry.retry_until_written(self._arrivals.load)
        if self._invitations is not None:
            with isolate_errors("add an invited user"), contextlib.suppress(SystemFailed):
                await self._invitations.load()
        self._ready.set()
        self.calls.adjust()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_addresses())
            group.create_task(self._ssh_reach.run())
            group.create_task(self._follow_downloads())
            if self._joins is not None:
                group.create_task(self._joins.run())
            if self._mailboxes is not None:
                group.create_task(self._mailboxes.receiver.run())
                group.create_task(self._mailboxes.sender.run())
            group.create_task(self._earlier_shares.run(self._wake))
            group.create_task(self.introductions.run(self._wake))

    def look_at_addresses(self) -> None:
        """Look soon whether our addresses are others now."""
        self._look.set()
        self._changed.notify()

    async def close(self) -> None:
        """End all links and what goes by hub, and stop listening."""
        await self._reach.close()
        if self.calls is not None:
            await self.calls.close()
        if self._server is not None:
            await self._server.close()
            self._server = None

    async def _listen(self, key: LinkKey, callers: ContactCallers) -> None:
        from tuishare.link.server import LinkServer

        address = listen_addresses(self._settings.current).get("link.listen", "")
        if not address:
            return
        place = parse_listen_address(address)
        try:
            self._server = await LinkServer.open(
                *(key, callers, self._serve, place.host, place.port),
                origin_of=self._callers_by_hub.origin_of,
            )
        except TuishareError as error:
            self._show("No contact can call", error, _OTHER_PORT)
            return
        self._problem = None
        if self._settings.current.network.port_mapping:
            await self._engine.map_port(self._server.port)

    def _show(self, title: str, error: TuishareError, hint: str) -> None:
        if self._problem is None or self._problem.detail != error.detail:
            _log.warning("%s: %s", title, error.detail)
            now = self._clock.now()
            self._problem = Problem(id="link", title=title, detail=error.detail, hint=hint, since=now)
            self._changed.notify()

    async def _serve(self, stream: LinkStream, contact: LinkPeer, link_key: bytes, host: str) -> None:
        """Run the link of a contact who has called."""
        await self._ready.wait()
        if self.links is not None:
            _log.debug("A contact calls from %s", host)
            await self.links.run(stream, contact, link_key, called_by=contact.signer)

    async def _dial(self, record: AddressRecord) -> LinkStream:
        from tuishare.link.client import call_contact
        from tuishare.link.dial import Destination

        assert self._key is not None
        assert self._parts is not None
        destination = Destination(record.link_key, record.endpoints)
        return await call_contact(self._key, destination, self._parts.own_record.signed_for(record.signer))

    async def _watch_addresses(self) -> None:
        """Give contacts our newest addresses, and open the port once it is free."""
        assert self._parts is not None
        while True:
            if self._server is None and self._key is not None and self._callers is not None:
                await self._listen(self._key, self._callers)
            with isolate_errors("make the address record"), contextlib.suppress(SystemFailed):
                if self.contacts.are_known:
                    await asyncio.to_thread(self._membership.take_contacts, tuple(self.contacts.all()))
                if self._mailboxes is not None:
                    await asyncio.to_thread(self._mailboxes.reach.save)
                await self._refresh_record()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._look.wait()
            self._look.clear()

    async def _refresh_record(self) -> None:
        """Make a newer address record if anything has changed, and tell all contacts.

        Links over an address that is gone are dead, which would show after a minute of silence only. So all are made
        again.

        Raises:
            SystemFailed: it cannot be recorded.
        """
        assert self._parts is not None
        own_record = self._parts.own_record
        before = set(own_record.addresses)
        if await own_record.refresh(self.port) and self.links and self.calls:
            if before.issubset(own_record.addresses):
                self.links.send_record()
            else:
                self.links.close_all()
            self.calls.wake_all()

    async def _follow_downloads(self) -> None:
        """Give receipts for what was delivered or rejected."""
        changed, revision = self._changed, -1
        while True:
            revision = await changed.wait_for_change(revision)
            with isolate_errors("make a receipt"), contextlib.suppress(SystemFailed):
                for signer in await self._arrivals.follow():
                    self._wake(signer)
            await asyncio.sleep(_FOLLOW_SECONDS)

    def _wake(self, signer: bytes) -> None:
        if self.links is not None:
            self.links.wakes[signer].notify()

    def _take_book(self, event: UserBookRead) -> None:
        self.contacts.take_book(event.book)
        self._look.set()  # the write key of our mailbox may have to be replaced
        if self.calls is not None and self._ready.is_set():
            self.calls.adjust()

    async def _on_record(self, event: AddressRecordFound) -> None:
        """Keep the address record that came in an envelope, if it is that of the envelope's signer."""
        try:
            record = read_record(event.signed)
        except VerificationFailed as error:
            _log.info("%s; it came in an envelope", error.detail)
            return
        if record.signer == event.signer:
            await self.contacts.keep(record, event.signed)

    async def _on_sealed(self, event: ShareSealed) -> None:
        for signer in await self.handovers.on_sealed(event):
            self._wake(signer)

    def _on_excluded(self, event: RecipientExcluded) -> None:
        """End the link over which an envelope goes to a user who loses access to its share."""
        if self.links is None:
            return
        for record in self.handovers.of(event.share):
            link = self.links.get(record.recipient)
            if record.user == event.user and link is not None and link.offering == event.share:
                link.session.close()


def _no_links() -> Refused:
    return Refused(
        "This agent makes no links",
        hint="Set link.enabled = true without a proxy, and restart the agent.",
    )
