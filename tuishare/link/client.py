"""Calling another agent: every address of its record at nearly once, its link key or nothing.

Owns dialling (RFC 8305) and the caller's half of the opening. A host key other than the expected one ends an attempt;
there is no trust on first use. Must not choose when to call.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
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
from tuishare.link.frames import BrokenRule, read_frame
from tuishare.link.invitation import Invitation, Party
from tuishare.link.invitation_exchange import Introduced, check_welcome, make_redeem
from tuishare.link.link_key import LinkKey
from tuishare.link.messages import STRANGER_LIMIT, Introduce, decode_welcome, encode_message
from tuishare.link.peer import LinkFailed, LinkStream
from tuishare.net.addresses import MOST_CONTACTS, Address, judge
from tuishare.net.endpoints import Endpoint
from tuishare.net.local_machine import LocalMachine

_NEXT_ATTEMPT_SECONDS: Final = 0.25  # RFC 8305, section 5
_RESOLVE_SECONDS: Final = 5
_ATTEMPT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom to call.

    Attributes:
        link_key: the host key that is accepted, 32 bytes.
        endpoints: where, best first.
    """

    link_key: bytes
    endpoints: Sequence[Endpoint]


async def call_contact(key: LinkKey, destination: Destination, own_record: bytes) -> LinkStream:
    """Call a contact.

    Args:
        key: ours.
        destination: of their newest address record.
        own_record: signed; tells them who calls, should they not know our link key yet.

    Returns:
        The stream of a link on which `tuishare.link.session` is to be spoken next.

    Raises:
        LinkFailed: none of the addresses answers with that key, or they do not let us in.
    """
    stream = await _connect(key, destination)
    stream.write(encode_message(Introduce(own_record)))
    return stream


async def redeem_invitation(key: LinkKey, invitation: Invitation, joiner: Party) -> Introduced:
    """Call the inviter, show who we are, and check who they are.

    Raises:
        LinkFailed: the inviter is not reached, or does not take the invitation; they do not say why.
        VerificationFailed: the answer is not the inviter's.
    """
    stream = await _connect(key, Destination(invitation.link_key, invitation.endpoints))
    try:
        redeem = make_redeem(invitation, joiner)
        stream.write(encode_message(redeem))
        try:
            is_content, data = await read_frame(stream, _ANSWER_SECONDS, STRANGER_LIMIT)
        except BrokenRule:
            raise
        except LinkFailed as error:
            raise LinkFailed(
                "The inviter did not take the invitation",
                hint="It was used, has ended, or was cancelled: ask for a new one.",
            ) from error
        if is_content:
            raise BrokenRule("content before a message")
        try:
            welcome = decode_welcome(data)
        except ValueError as error:
            raise BrokenRule("an answer that is none") from error
        return check_welcome(invitation, redeem, welcome)
    finally:
        stream.close()


async def _connect(key: LinkKey, destination: Destination) -> _ClientStream:
    """Try the addresses in turn, a quarter of a second apart, and keep the first that proves the key."""
    addresses, faults = await _find_addresses(destination.endpoints)
    attempts: set[asyncio.Task[_ClientStream]] = set()
    try:
        for address, port in addresses:
            attempts.add(asyncio.create_task(_attempt(key, destination.link_key, address, port)))
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


async def _attempt(key: LinkKey, link_key: bytes, address: Address, port: int) -> _ClientStream:
    """Connect to one address, prove both keys, and open the channel."""
    place = Endpoint(str(address), port)
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            return await _open(key, link_key, address, port)
    except asyncssh.HostKeyNotVerifiable:
        raise LinkFailed(f"The machine at {place} has another link key than their address record") from None
    except TimeoutError:
        raise LinkFailed(f"{place} does not answer") from None
    except OSError as error:
        reason = (error.strerror or "no connection").lower()
        raise LinkFailed(f"{place} cannot be reached: {reason}") from None
    except asyncssh.Error:
        raise LinkFailed(f"What answers at {place} is no agent that takes links") from None


async def _open(key: LinkKey, link_key: bytes, address: Address, port: int) -> _ClientStream:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        limit_silence(connection)
        await loop.sock_connect(connection, (str(address), port))
        ssh = await asyncssh.run_client(
            connection,
            **ALGORITHMS,
            server_host_key_algs=KEY_ALGS,
            known_hosts=([public_key(link_key)], [], []),
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
        if host_key is None or raw_key(host_key) != link_key:
            raise asyncssh.HostKeyNotVerifiable("another key")
        stream = _ClientStream()
        await ssh.create_session(lambda: stream, subsystem=SUBSYSTEM, **CHANNEL)
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
