"""An SSH port on which every caller is a stranger until their first message has proved who they are.

Owns a listening socket and the life of each connection until its caller is admitted, whose session then runs here. A
stranger may send one message; whatever they do else, and whatever is wrong with it, their connection ends in one way.
Must not know who may come in: its `Reception` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from ipaddress import ip_address
from typing import Any, Final, Generic, Protocol, TypeVar

import asyncssh

from tuishare.errors import TuishareError, from_os_error
from tuishare.link.caller import Caller
from tuishare.link.connection import (
    ALGORITHMS,
    CHANNEL,
    LOGIN_SECONDS,
    VERSION,
    limit_silence,
    private_key,
)
from tuishare.link.connection_admission import Admission, LinkLimits
from tuishare.link.frames import BrokenRule, read_frame
from tuishare.link.link_key import LinkKey
from tuishare.link.messages import STRANGER_LIMIT
from tuishare.link.peer import LinkFailed
from tuishare.net.addresses import Address, unmapped
from tuishare.net.caller_addresses import OriginOf, itself
from tuishare.net.connection_slots import ConnectionSlot
from tuishare.net.local_machine import mark_port

_BACKLOG: Final = 256
_EXHAUSTED_SECONDS: Final = 0.5
"""To wait when this process may open no more files; asking again at once would only burn the processor."""
_FREED_SECONDS: Final = 0.05
"""Likewise when a stranger's connection was just ended for the next one; it takes a moment to close."""
_Guest = TypeVar("_Guest")

_log = logging.getLogger(__name__)


class Reception(Protocol[_Guest]):
    """Who may come in, and what happens then."""

    async def admit(self, message: bytes, caller: Caller, host: Address) -> _Guest | None:
        """Decide by a caller's first message.

        Returns:
            Who the caller is; None for a stranger. Unless they were answered (`Caller.answered`), they are refused.

        Raises:
            ValueError: the message is ill-formed; the caller is refused.
            TuishareError: likewise.
        """

    async def serve(self, guest: _Guest, caller: Caller, host: Address) -> None:
        """Run the session of an admitted caller; the connection ends when it returns."""


class SshPort(Generic[_Guest]):
    """Listens on one socket until `close`."""

    def __init__(
        self,
        key: LinkKey,
        reception: Reception[_Guest],
        subsystem: str,
        limits: LinkLimits,
        listening: socket.socket,
        origin_of: OriginOf = itself,
    ) -> None:
        """Begin to accept.

        Args:
            key: host key.
            reception: decides about callers.
            subsystem: the only one that may be asked for.
            limits: how much is taken.
            listening: of `listen`; closed by `close`.
            origin_of: tells who is behind an address.
        """
        self._origin_of = origin_of
        self._reception = reception
        self._subsystem = subsystem
        self._limits = limits
        self._admission = Admission(limits)
        self.slots = self._admission.slots
        self._listening = listening
        self._mark = mark_port(listening.getsockname()[0], self.number)
        self.options: dict[str, Any] = {
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
        self._guests: set[asyncio.Task[None]] = set()
        self._turns = {preferred: asyncio.Lock() for preferred in (True, False)}
        self._accepting = asyncio.create_task(self._accept())

    @property
    def number(self) -> int:
        """Of the port."""
        return int(self._listening.getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end all connections."""
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
                await asyncio.sleep(_FREED_SECONDS if self.slots.make_room() else _EXHAUSTED_SECONDS)
                continue
            host = self._origin_of(unmapped(ip_address(name[0].partition("%")[0])))
            slot = self.slots.take(host) if self.slots.bounds.admits(host) else None
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
            self.slots.give_back(slot)
            if not task.cancelled() and (error := task.exception()):
                _log.error("A session ended by a mistake of this program", exc_info=error)

        task.add_done_callback(forget)

    async def _receive(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        """Let one connection live: a stranger's until its time is over, a guest's until their session ends."""
        caller = Caller(self._subsystem, await self._prepare())
        guest: _Guest | None = None
        try:
            with contextlib.suppress(OSError, TimeoutError, LinkFailed, asyncssh.Error):
                async with asyncio.timeout(self._limits.stranger_seconds):
                    async with self._turns[slot.preferred]:
                        await asyncio.sleep(0 if slot.preferred else self._limits.turn_seconds)
                    limit_silence(connection)
                    await self._handshake(connection, caller)
                    slot.has_spoken = True
                    guest = await self._answer(caller, host)
            if guest is not None:
                caller.is_admitted = True
                self.slots.give_back(slot)
                slot.close = _nothing  # it is no stranger's any more, and makes no room for one
                self._admission.note_contact(host)
                await self._reception.serve(guest, caller, host)
            elif not caller.answered:
                self._admission.note_refusal(host)
        finally:
            caller.hang_up()

    async def _handshake(self, connection: socket.socket, caller: Caller) -> None:
        """Speak SSH until the caller has proved a key."""
        await asyncssh.run_server(
            connection, config=None, options=await self._prepare(), server_factory=lambda: caller
        )

    async def _prepare(self) -> asyncssh.SSHServerConnectionOptions:
        """Return what all connections have in common."""
        if self._prepared is None:
            self._prepared = await asyncssh.SSHServerConnectionOptions.construct(None, **self.options)
        return self._prepared

    async def _answer(self, caller: Caller, host: Address) -> _Guest | None:
        """Take the caller's first message.

        Returns:
            Who the caller is; None when there is nothing more to say.
        """
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            await caller.opened
            is_content, data = await read_frame(caller.stream, self._limits.stranger_seconds, STRANGER_LIMIT)
            since = loop.time()
            if is_content:
                raise BrokenRule("content before a message")
            guest = await self._reception.admit(data, caller, host)
            if guest is not None or caller.answered:
                return guest
        except (TuishareError, ValueError):
            pass
        await asyncio.sleep(since + self._limits.refusal_seconds - loop.time())
        return None


def _nothing() -> None:
    """End no connection: it has ended."""


def listen(host: str, port: int, what: str) -> socket.socket:
    """Open a port; without a host on both families where there are both.

    Args:
        host: an address; empty: all of both families.
        port: 0: any free one.
        what: it is for, in an error.

    Raises:
        SystemFailed: the port cannot be opened.
    """
    everywhere = host in {"", "::"} and socket.has_dualstack_ipv6()
    address = ("::" if everywhere else host or "0.0.0.0", port)  # noqa: S104 (contacts have to reach it)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        listening = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=everywhere)
    except OSError as error:
        plain = OSError(error.errno, os.strerror(error.errno or 0))  # Python's text names an address, too
        raise from_os_error(plain, f"listen on port {port} for {what}") from error
    listening.setblocking(False)
    return listening
