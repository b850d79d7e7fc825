"""The port of a hub: members collect, senders put, and every stranger is refused alike.

Owns who is admitted, and how many sessions there may be (threat T18). Must not know what is in a mailbox.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Final, TypeAlias

from tuishare.errors import TuishareError
from tuishare.hub.mailboxes import Mailboxes
from tuishare.hub.reach import ReachServer
from tuishare.hub.sessions import serve_member, serve_sender
from tuishare.hub.store import HubMember
from tuishare.link.caller import Caller
from tuishare.link.connection_admission import LinkLimits
from tuishare.link.link_key import LinkKey
from tuishare.link.mailbox.conversation import Conversation
from tuishare.link.mailbox.messages import OPENING, SUBSYSTEM, Collect, Deposit, Enrol
from tuishare.link.peer import LinkFailed
from tuishare.link.ssh_port import Reception, SshPort, listen
from tuishare.link.statements import decode_canonical
from tuishare.net.addresses import Address

_log = logging.getLogger(__name__)
MOST_SENDERS: Final = 256
"""Senders' sessions at a time."""
_PER_MAILBOX: Final = 8
"""Senders' sessions of one mailbox at a time."""


@dataclass(frozen=True, slots=True)
class _Sender:
    """A caller who has proved the write key of a mailbox."""

    mailbox: bytes
    write_key: bytes


_Guest: TypeAlias = HubMember | _Sender


class HubServer(Reception[_Guest]):
    """Listens on one host and port until `close`."""

    def __init__(
        self,
        key: LinkKey,
        mailboxes: Mailboxes,
        reach: ReachServer,
        host: str,
        port: int,
        limits: LinkLimits | None = None,
    ) -> None:
        """Begin to listen.

        Args:
            key: host key.
            mailboxes: of this hub.
            reach: likewise.
            host: an address; ``::``: all of both families.
            port: 0: any free one.
            limits: for strangers.

        Raises:
            SystemFailed: the port cannot be opened.
        """
        self._mailboxes = mailboxes
        self._reach = reach
        self._collecting: dict[bytes, Conversation] = {}
        self._senders: Counter[bytes] = Counter()
        self._ssh = SshPort(key, self, SUBSYSTEM, limits or LinkLimits(), listen(host, port, "members"))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._ssh.number

    @property
    def senders(self) -> int:
        """How many senders are connected."""
        return self._senders.total()

    @property
    def strangers(self) -> int:
        """How many connections there are whose caller is not known yet."""
        return len(self._ssh.slots)

    async def close(self) -> None:
        """Stop listening and end all connections."""
        await self._ssh.close()

    def disconnect(self, mailbox: bytes) -> None:
        """End the connections of a member who was removed, and of their callers."""
        self._reach.remove(mailbox)
        if talk := self._collecting.get(mailbox):
            talk.close()

    async def admit(self, message: bytes, caller: Caller, host: Address) -> _Guest | None:
        """Return the member or the sender that a caller has proved to be; None for a stranger."""
        del host
        match decode_canonical(message, OPENING):
            case Enrol(token=token, write_hash=write_hash):
                return await self._mailboxes.enrol(token, caller.link_key, write_hash)
            case Collect(write_hash=write_hash):
                member = self._mailboxes.find(caller.link_key)
                return await self._mailboxes.note_seen(member, write_hash) if member else None
            case Deposit(mailbox=mailbox, write_key=write_key):
                return _Sender(mailbox, write_key) if self._mailboxes.accepts(mailbox, write_key) else None

    async def serve(self, guest: _Guest, caller: Caller, host: Address) -> None:
        """Run a session until it ends."""
        talk = Conversation(caller.stream)
        try:
            if isinstance(guest, HubMember):
                await self._serve_member(talk, guest)
            else:
                await self._serve_sender(talk, guest, host)
        except* LinkFailed:
            pass  # connections end
        except* TuishareError as failed:
            _log.warning("A connection was ended: %s", failed.exceptions[0])

    async def _serve_member(self, talk: Conversation, member: HubMember) -> None:
        if former := self._collecting.get(member.mailbox):
            former.close()  # the member may have lost it without our knowing
        self._collecting[member.mailbox] = talk
        try:
            await serve_member(talk, self._mailboxes, self._reach, member)
        finally:
            if self._collecting.get(member.mailbox) is talk:
                del self._collecting[member.mailbox]

    async def _serve_sender(self, talk: Conversation, sender: _Sender, host: Address) -> None:
        mailbox = sender.mailbox
        if self._senders.total() >= MOST_SENDERS or self._senders[mailbox] >= _PER_MAILBOX:
            return
        self._senders[mailbox] += 1
        try:
            await serve_sender(
                *(talk, self._mailboxes, mailbox, host),
                may_put=lambda: self._mailboxes.accepts(mailbox, sender.write_key),
            )
        finally:
            self._senders[mailbox] -= 1
            self._senders += Counter()  # forgets mailboxes without a sender
