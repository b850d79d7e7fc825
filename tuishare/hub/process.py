"""A running hub: its parts made and connected, until it is told to stop.

Owns the order of start and stop, and the answers to the operator. Must not do any part's work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator
from typing import Final, assert_never

from tuishare.config.units import parse_size
from tuishare.core.home_lock import HomeInUse, HomeLock
from tuishare.errors import SystemFailed, TuishareError
from tuishare.hub.mailboxes import Mailboxes
from tuishare.hub.operator import (
    Answer,
    GetStatus,
    HubStatus,
    Invite,
    Invited,
    ListMembers,
    MemberInfo,
    Members,
    Remove,
    Removed,
    Request,
    serve_operator,
)
from tuishare.hub.reach import ReachServer
from tuishare.hub.server import HubServer
from tuishare.hub.settings import HubPlaces, HubSettings, load_settings
from tuishare.hub.store import HubMember, HubStore
from tuishare.link.connection_admission import LinkLimits
from tuishare.link.link_key import LinkKey, load_or_create_link_key
from tuishare.link.mailbox.enrolment import Enrolment
from tuishare.net.endpoints import parse_endpoint

_EXPIRE_SECONDS: Final = 600.0
_log = logging.getLogger(__name__)


class Hub:
    """The parts of one hub."""

    def __init__(
        self, settings: HubSettings, key: LinkKey, mailboxes: Mailboxes, reach: ReachServer, server: HubServer
    ) -> None:
        self._settings = settings
        self._key = key
        self._mailboxes = mailboxes
        self._reach = reach
        self._server = server

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    async def answer(self, request: Request) -> Answer:
        """Answer the operator.

        Raises:
            TuishareError: the request cannot be carried out.
        """
        match request:
            case Invite(name=name, days=days):
                return await self._invite(name, days)
            case ListMembers():
                return Members([self._describe(member) for member in self._mailboxes.members()])
            case Remove(name=name):
                member = await self._mailboxes.remove(name)
                if member is not None:
                    self._server.disconnect(member.mailbox)
                return Removed(name, member is not None)
            case GetStatus():
                return self._status()
            case _ as never:
                assert_never(never)

    async def _invite(self, name: str, days: int) -> Invited:
        token, until = await self._mailboxes.invite(name, days)
        address = str(parse_endpoint(self._settings.address))
        string = Enrolment(address=address, host_key=self._key.public_key, token=token, end=until)
        return Invited(name, str(string), until)

    def _describe(self, member: HubMember) -> MemberInfo:
        usage, reach = self._mailboxes.quotas.of(member.mailbox), self._reach.limits.of(member.mailbox)
        return MemberInfo(
            name=member.name,
            enrolled=member.enrolled,
            seen=member.seen,
            connected=self._mailboxes.is_connected(member.mailbox),
            parcels=usage.parcels,
            size=usage.size,
            ports=self._reach.ports_of(member.mailbox),
            callers=reach.callers,
            forwarded=reach.forwarded,
        )

    def _status(self) -> HubStatus:
        members, total = self._mailboxes.members(), self._mailboxes.quotas.total
        return HubStatus(
            address=self._settings.address,
            port=self._server.port,
            members=len(members),
            connected=sum(self._mailboxes.is_connected(member.mailbox) for member in members),
            senders=self._server.senders,
            strangers=self._server.strangers,
            parcels=total.parcels,
            size=total.size,
            limit=parse_size(self._settings.total.size),
            expired=self._mailboxes.expired,
            callers=self._reach.limits.callers,
            forwarded=self._reach.limits.forwarded,
            refused=self._reach.limits.refused,
        )


@contextlib.asynccontextmanager
async def open_hub(places: HubPlaces, limits: LinkLimits | None = None) -> AsyncIterator[Hub]:
    """Run a hub for one block.

    Args:
        places: of the hub, made by `write_settings`.
        limits: for strangers.

    Raises:
        BadConfiguration: settings, key or database are not usable.
        SystemFailed: another hub runs in this folder, or the port or the disk is not usable.
    """
    settings = load_settings(places)
    lock = HomeLock(places.lock_file)
    try:
        lock.acquire()
    except HomeInUse as error:
        raise SystemFailed(
            f"Another hub runs in {places.folder}", hint="`tuishare hub status` shows it."
        ) from error
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(lock.release)
        key = load_or_create_link_key(places.key_file)
        mailboxes = Mailboxes(HubStore(places.folder), settings, now=lambda: int(time.time()))
        stack.push_async_callback(mailboxes.close)
        listen = settings.listen_endpoint
        reach = ReachServer(mailboxes, settings)
        stack.push_async_callback(reach.close)
        server = HubServer(key, mailboxes, reach, listen.host, listen.port, limits)
        stack.push_async_callback(server.close)
        hub = Hub(settings, key, mailboxes, reach, server)
        await stack.enter_async_context(serve_operator(places.socket, hub.answer))
        expiring = asyncio.create_task(_expire(mailboxes))
        stack.callback(expiring.cancel)
        yield hub


async def run_hub(places: HubPlaces) -> None:
    """Run a hub until SIGTERM or SIGINT; errors as for `open_hub`."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with open_hub(places) as hub:
        _log.info("The hub listens on port %d", hub.port)
        await stopping.wait()
    _log.info("The hub has stopped")


async def _expire(mailboxes: Mailboxes) -> None:
    while True:
        try:
            await mailboxes.expire()
        except TuishareError as error:  # a damaged database, too: the rest goes on
            _log.warning("%s; it is tried again", error.detail)
        await asyncio.sleep(_EXPIRE_SECONDS)
