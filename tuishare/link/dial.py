"""Dialling: every address at nearly once, the expected host key or nothing.

Owns RFC 8305 and the SSH client. A host key other than the expected one ends an attempt; there is no trust on first
use. Must not choose whom to call, or when.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import asyncssh

from tuishare.link.connection import (
    ALGORITHMS,
    CHANNEL,
    KEY_ALGS,
    LOGIN_SECONDS,
    SUBSYSTEM,
    USER,
    VERSION,
    ChannelStream,
    limit_silence,
    private_key,
    public_key,
    raw_key,
)
from tuishare.link.link_key import LinkKey
from tuishare.link.peer import LinkFailed
from tuishare.net.addresses import MOST_CONTACTS, Address, judge
from tuishare.net.endpoints import Endpoint
from tuishare.net.local_machine import LocalMachine

_NEXT_ATTEMPT_SECONDS: Final = 0.25  # RFC 8305, section 5
_RESOLVE_SECONDS: Final = 5
_ATTEMPT_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom to call.

    Attributes:
        link_key: the host key that is accepted, 32 bytes.
        endpoints: where, best first.
        subsystem: what to ask for there.
        expected: whose host key it is to be, in a sentence about another one.
        kind: what is expected there, in a sentence about something else.
    """

    link_key: bytes
    endpoints: Sequence[Endpoint]
    subsystem: str = SUBSYSTEM
    expected: str = "link key than their address record"
    kind: str = "agent that takes links"


async def connect(key: LinkKey, destination: Destination) -> ChannelStream:
    """Try the addresses in turn, a quarter of a second apart, and keep the first that proves the key.

    Raises:
        LinkFailed: none of them does, or the other side does not let us in.
    """
    addresses, faults = await _find_addresses(destination.endpoints)
    attempts: set[asyncio.Task[_ClientStream]] = set()
    try:
        for address, port in addresses:
            attempts.add(asyncio.create_task(_attempt(key, destination, address, port)))
            if stream := await _first(attempts, faults, _NEXT_ATTEMPT_SECONDS):
                return stream
        while attempts:
            if stream := await _first(attempts, faults, None):
                return stream
    finally:
        for attempt in attempts:
            attempt.cancel()
        for result in await asyncio.gather(*attempts, return_exceptions=True):
            if isinstance(result, _ClientStream):
                result.close()
    raise _unreachable(faults)


async def _first(
    attempts: set[asyncio.Task[_ClientStream]], faults: list[LinkFailed], seconds: float | None
) -> _ClientStream | None:
    """Wait for the end of an attempt; of a failed one, or after so many seconds, None."""
    done, _ = await asyncio.wait(attempts, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    attempts -= done
    streams = []
    for attempt in done:
        try:
            streams.append(attempt.result())
        except LinkFailed as error:
            faults.append(error)
    for unused in streams[1:]:
        unused.close()
    return streams[0] if streams else None


async def _attempt(key: LinkKey, destination: Destination, address: Address, port: int) -> _ClientStream:
    """Connect to one address, prove both keys, and open the channel."""
    place = Endpoint(str(address), port)
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            return await _open(key, destination, address, port)
    except asyncssh.HostKeyNotVerifiable:
        raise LinkFailed(f"The machine at {place} has another {destination.expected}") from None
    except TimeoutError:
        raise LinkFailed(f"{place} does not answer") from None
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "no connection"
        raise LinkFailed(f"{place} cannot be reached: {reason}") from None
    except asyncssh.Error:
        raise LinkFailed(f"What answers at {place} is no {destination.kind}") from None


async def _open(key: LinkKey, destination: Destination, address: Address, port: int) -> _ClientStream:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        limit_silence(connection)
        await loop.sock_connect(connection, (str(address), port))
        ssh = await asyncssh.run_client(
            connection,
            **ALGORITHMS,
            # Otherwise asyncssh asks the socket, and stumbles when the other side is gone by then.
            host=str(address),
            port=port,
            server_host_key_algs=KEY_ALGS,
            known_hosts=([public_key(destination.link_key)], [], []),
            client_keys=[private_key(key)],
            client_version=VERSION,
            username=USER,
            preferred_auth="publickey",
            agent_path=None,
            host_based_auth=False,
            password_auth=False,
            kbdint_auth=False,
            login_timeout=LOGIN_SECONDS,
        )
    except BaseException:
        connection.close()
        raise
    try:
        host_key = ssh.get_server_host_key()
        if host_key is None or raw_key(host_key) != destination.link_key:
            raise asyncssh.HostKeyNotVerifiable("another key")
        stream = _ClientStream()
        await ssh.create_session(lambda: stream, subsystem=destination.subsystem, **CHANNEL)
    except BaseException:
        ssh.abort()
        raise
    return stream


class _ClientStream(ChannelStream, asyncssh.SSHClientSession[bytes]):
    """The channel of a call."""

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan


async def _find_addresses(
    endpoints: Sequence[Endpoint],
) -> tuple[list[tuple[Address, int]], list[LinkFailed]]:
    """Find what to call: names resolved, families in turn (RFC 8305, section 4), nothing that must not be called."""
    found = await asyncio.gather(*(_resolve(endpoint) for endpoint in endpoints[:MOST_CONTACTS]))
    machine = LocalMachine()
    allowed: list[tuple[Address, int]] = []
    faults: list[LinkFailed] = []
    for endpoint, addresses in zip(endpoints, found, strict=False):
        if not addresses:
            faults.append(LinkFailed(f"The name {endpoint.host} is not known"))
        for address in addresses:
            if fault := judge(address, endpoint.port, machine):
                faults.append(LinkFailed(f"{endpoint} is not called: it {fault.clause}"))
            elif (address, endpoint.port) not in allowed:
                allowed.append((address, endpoint.port))
    if not allowed:
        return [], faults
    first = [each for each in allowed if each[0].version == allowed[0][0].version]
    second = [each for each in allowed if each[0].version != allowed[0][0].version]
    turns = itertools.chain.from_iterable(itertools.zip_longest(first, second))
    return [each for each in turns if each is not None][:MOST_CONTACTS], faults


async def _resolve(endpoint: Endpoint) -> list[Address]:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError, UnicodeError):
        async with asyncio.timeout(_RESOLVE_SECONDS):
            answers = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers))
    return []


def _unreachable(faults: list[LinkFailed]) -> LinkFailed:
    """Sum up why no address led to a link."""
    if not faults:
        return LinkFailed("Their address record names no address", hint="They may call us instead.")
    if len(faults) == 1:
        return faults[0]
    return LinkFailed(f"None of {len(faults)} addresses led to a link. {faults[-1].detail}")
