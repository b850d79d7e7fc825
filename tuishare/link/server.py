"""The link port: takes calls, proves the caller's key, and gives a contact's link to the agent.

Owns a listening socket and the life of each connection until its caller is a contact, whose session then runs here. A
stranger may send one message; whatever they do else, and whatever is wrong with it, their connection ends in one way.
Must not know users: `Callers` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

import asyncssh

from tuishare.errors import TuishareError, from_os_error
from tuishare.link.address_record import read_record
from tuishare.link.admission import Admission, LinkLimits
from tuishare.link.caller import Caller
from tuishare.link.connection import (
    ALGORITHMS,
    CHANNEL,
    LOGIN_SECONDS,
    VERSION,
    limit_silence,
    private_key,
)
from tuishare.link.frames import BrokenRule, read_frame
from tuishare.link.link_key import LinkKey
from tuishare.link.messages import (
    STRANGER_LIMIT,
    Introduce,
    Redeem,
    StrangerMessage,
    decode_stranger_message,
    encode_message,
)
from tuishare.link.peer import Callers, LinkFailed, LinkPeer, LinkStream
from tuishare.net.addresses import Address, unmapped
from tuishare.net.connection_slots import ConnectionSlot
from tuishare.net.local_machine import mark_port

_BACKLOG: Final = 256
_EXHAUSTED_SECONDS: Final = 0.5
"""To wait when this process may open no more files; asking again at once would only burn the processor."""
_FREED_SECONDS: Final = 0.05
"""Likewise when a stranger's connection was just ended for the next one; it takes a moment to close."""
Serve: TypeAlias = Callable[[LinkStream, LinkPeer, bytes, str], Awaitable[None]]
"""Runs the link of a contact until it ends: stream, contact, the link key they proved, the address they call from."""

_log = logging.getLogger(__name__)


class LinkServer:
    """Listens on one host and port; made by `open`, ended by `close`."""

    def __init__(
        self, key: LinkKey, callers: Callers, serve: Serve, limits: LinkLimits, listening: socket.socket
    ) -> None:
        self._callers = callers
        self._serve = serve
        self._limits = limits
        self._admission = Admission(limits)
        self._slots = self._admission.slots
        self._listening = listening
        self._mark = mark_port(listening.getsockname()[0], self.port)
        self._options: dict[str, Any] = {
            **ALGORITHMS,
            **CHANNEL,
            "server_host_keys": [private_key(key)],
            "server_version": VERSION,
            "login_timeout": LOGIN_SECONDS,
            "public_key_auth": True,
            "password_auth": False,
            "kbdint_auth": False,
            "host_based_auth": False,
            "allow_pty": False,
            "agent_forwarding": False,
            "x11_forwarding": False,
            "line_editor": False,
            "allow_scp": False,
        }
        self._prepared: asyncssh.SSHServerConnectionOptions | None = None
        self._links: defaultdict[bytes, list[LinkStream]] = defaultdict(list)
        self._guests: set[asyncio.Task[None]] = set()
        self._turns = {preferred: asyncio.Lock() for preferred in (True, False)}
        self._accepting = asyncio.create_task(self._accept())

    @classmethod
    async def open(
        cls,
        key: LinkKey,
        callers: Callers,
        serve: Serve,
        host: str,
        port: int,
        limits: LinkLimits | None = None,
    ) -> LinkServer:
        """Begin to listen.

        Args:
            key: host key.
            callers: who may call.
            serve: runs a contact's link; the connection ends when it returns.
            host: an address; empty: all of both families.
            port: 0: any free one.
            limits: how much is taken.

        Raises:
            SystemFailed: the port cannot be opened.
        """
        try:
            listening = _listen(host, port)
        except OSError as error:
            raise from_os_error(error, f"listen on port {port} for links") from error
        return cls(key, callers, serve, limits or LinkLimits(), listening)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end all connections, links included."""
        tasks = (self._accepting, *self._guests)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listening.close()
        if self._mark is not None:
            self._mark.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, name = await loop.sock_accept(self._listening)
            except OSError:
                await asyncio.sleep(_FREED_SECONDS if self._slots.make_room() else _EXHAUSTED_SECONDS)
                continue
            host = unmapped(ip_address(name[0].partition("%")[0]))
            slot = self._slots.take(host) if self._slots.bounds.admits(host) else None
            if slot is None:
                connection.close()
            else:
                self._take_in(connection, host, slot)
            await asyncio.sleep(
                0
            )  # what waits to be accepted comes without it, all of it in one turn of the loop

    def _take_in(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        task = asyncio.create_task(self._receive(connection, host, slot))
        slot.close = task.cancel
        self._guests.add(task)

        def forget(task: asyncio.Task[None]) -> None:
            connection.close()  # here, because a task that is cancelled at once never runs
            slot.close = _nothing  # it refers to the task, which refers to all that was in its frames
            self._guests.discard(task)
            self._slots.give_back(slot)
            if not task.cancelled() and (error := task.exception()):
                _log.error("A link ended by a mistake of this program", exc_info=error)

        task.add_done_callback(forget)

    async def _receive(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        """Let one connection live: a stranger's until its time is over, a contact's until their link ends."""
        caller = Caller()
        contact: LinkPeer | None = None
        try:
            with contextlib.suppress(OSError, TimeoutError, LinkFailed, asyncssh.Error):
                async with asyncio.timeout(self._limits.stranger_seconds):
                    async with self._turns[slot.preferred]:
                        await asyncio.sleep(0 if slot.preferred else self._limits.turn_seconds)
                    limit_silence(connection)
                    await self._handshake(connection, caller)
                    slot.has_spoken = True
                    contact = await self._answer(caller, host)
            if contact is not None:
                caller.is_contact = True
                self._slots.give_back(slot)
                slot.close = _nothing  # it is no stranger's any more, and makes no room for one
                self._admission.note_contact(host)
                await self._run(caller.stream, contact, caller.link_key, host)
            elif not caller.answered:
                self._admission.note_refusal(host)
        finally:
            caller.hang_up()

    async def _handshake(self, connection: socket.socket, caller: Caller) -> None:
        """Speak SSH until the caller has proved a key."""
        if self._prepared is None:
            self._prepared = await asyncssh.SSHServerConnectionOptions.construct(None, **self._options)
        await asyncssh.run_server(
            connection, config=None, options=self._prepared, server_factory=lambda: caller
        )

    async def _answer(self, caller: Caller, host: Address) -> LinkPeer | None:
        """Take the caller's first message.

        Returns:
            The contact that the caller is; None when there is nothing more to say.
        """
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            await caller.opened
            is_content, data = await read_frame(caller.stream, self._limits.stranger_seconds, STRANGER_LIMIT)
            since = loop.time()
            if is_content:
                raise BrokenRule("content before a message")
            message = decode_stranger_message(data)
            if contact := await self._admit(message, caller, host):
                return contact
            if isinstance(message, Redeem) and caller.answered:
                return None
        except (TuishareError, ValueError):
            pass
        await asyncio.sleep(since + self._limits.refusal_seconds - loop.time())
        return None

    async def _admit(self, message: StrangerMessage, caller: Caller, host: Address) -> LinkPeer | None:
        known = self._callers.find(caller.link_key)
        match message:
            case Introduce(record=signed):
                record = read_record(signed)
                if record.link_key != caller.link_key:
                    raise BrokenRule("a record that names another link key")
                if known is None:
                    return await self._callers.introduce(record, signed)
                return known if known.signer == record.signer else None
            case Redeem():
                welcome = await self._callers.redeem(message, caller.link_key, str(host))
                if welcome is not None:
                    caller.stream.write(encode_message(welcome))
                    await caller.stream.finish()
                    caller.answered = True
                return None

    async def _run(self, stream: LinkStream, contact: LinkPeer, link_key: bytes, host: Address) -> None:
        links = self._links[contact.signer]
        if len(links) >= self._limits.links_per_contact:
            links.pop(0).close()  # the oldest: its caller may have lost it without our knowing
        elif sum(map(len, self._links.values())) >= self._limits.links:
            return
        links.append(stream)
        try:
            await self._serve(stream, contact, link_key, str(host))
        finally:
            if stream in links:
                links.remove(stream)
            if not self._links[contact.signer]:
                del self._links[contact.signer]


def _nothing() -> None:
    """End no connection: it has ended."""


def _listen(host: str, port: int) -> socket.socket:
    """Open a port; without a host on both families where there are both."""
    everywhere = host in {"", "::"} and socket.has_dualstack_ipv6()
    address = ("::" if everywhere else host or "0.0.0.0", port)  # noqa: S104 (contacts have to reach it)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listening = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=everywhere)
    listening.setblocking(False)
    return listening
