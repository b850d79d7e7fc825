"""The link port: takes calls, proves the caller's key, and gives a contact's link to the agent.

Owns which first message of a stranger makes them a contact, and how many links there may be. Must not know users:
`Callers` does.
"""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tuishare.link.address_record import read_record
from tuishare.link.caller import Caller
from tuishare.link.connection import SUBSYSTEM
from tuishare.link.connection_admission import LinkLimits
from tuishare.link.frames import BrokenRule
from tuishare.link.link_key import LinkKey
from tuishare.link.messages import Introduce, Redeem, Welcome, decode_stranger_message, encode_message
from tuishare.link.peer import Callers, LinkPeer, LinkStream
from tuishare.link.ssh_port import Reception, SshPort, listen
from tuishare.net.addresses import Address
from tuishare.net.caller_addresses import OriginOf, itself

Serve: TypeAlias = Callable[[LinkStream, LinkPeer, bytes, str], Awaitable[None]]
"""Runs the link of a contact until it ends: stream, contact, the link key they proved, the address they call from."""


class LinkServer(Reception[LinkPeer]):
    """Listens on one host and port; made by `open`, ended by `close`."""

    def __init__(
        self,
        key: LinkKey,
        callers: Callers,
        serve: Serve,
        limits: LinkLimits,
        listening: socket.socket,
        origin_of: OriginOf = itself,
    ) -> None:
        self._callers = callers
        self._serve = serve
        self._limits = limits
        self._links: defaultdict[bytes, list[LinkStream]] = defaultdict(list)
        self._ssh = SshPort(key, self, SUBSYSTEM, limits, listening, origin_of)

    @classmethod
    async def open(
        cls,
        key: LinkKey,
        callers: Callers,
        serve: Serve,
        host: str,
        port: int,
        limits: LinkLimits | None = None,
        *,
        origin_of: OriginOf = itself,
    ) -> LinkServer:
        """Begin to listen.

        Args:
            key: host key.
            callers: who may call.
            serve: runs a contact's link; the connection ends when it returns.
            host: an address; empty: all of both families.
            port: 0: any free one.
            limits: how much is taken.
            origin_of: tells who is behind an address.

        Raises:
            SystemFailed: the port cannot be opened.
        """
        return cls(key, callers, serve, limits or LinkLimits(), listen(host, port, "links"), origin_of)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._ssh.number

    async def close(self) -> None:
        """Stop listening and end all connections, links included."""
        await self._ssh.close()

    async def admit(self, message: bytes, caller: Caller, host: Address) -> LinkPeer | None:
        """Return the contact who introduces themselves; answer a stranger who redeems an invitation."""
        match decode_stranger_message(message):
            case Introduce(record=signed):
                record = read_record(signed)
                if record.link_key != caller.link_key:
                    raise BrokenRule("a record that names another link key")
                # By the signer, not by the key: a contact may claim the link key of another, to keep them out.
                known = self._callers.find(record.signer, caller.link_key)
                return known or await self._callers.introduce(record, signed)
            case Redeem() as redeem:
                answer = await self._callers.redeem(redeem, caller.link_key, str(host))
                if answer is not None:
                    caller.stream.write(encode_message(answer))
                    await caller.stream.finish()
                    caller.answered = isinstance(answer, Welcome)  # anyone else counts as a refused stranger
                return None

    async def serve(self, guest: LinkPeer, caller: Caller, host: Address) -> None:
        """Run the link of a contact until it ends."""
        links, stream = self._links[guest.signer], caller.stream
        if len(links) >= self._limits.links_per_contact:
            links.pop(0).close()  # the oldest: its caller may have lost it without our knowing
        elif sum(map(len, self._links.values())) >= self._limits.links:
            return
        links.append(stream)
        try:
            await self._serve(stream, guest, caller.link_key, str(host))
        finally:
            if stream in links:
                links.remove(stream)
            if not self._links[guest.signer]:
                del self._links[guest.signer]
