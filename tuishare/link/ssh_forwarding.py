"""Remote TCP forwarding by any SSH server (RFC 4254, section 7), as a member of a hub has it by the hub.

Owns the connection and the requests for ports. The host key that the user has confirmed is accepted, no other one, and
nothing is asked of a server before. Must not choose when to connect, or where callers go.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Final

import asyncssh

from tuishare.link.connection import LOGIN_SECONDS, private_key, public_key
from tuishare.link.link_key import LinkKey
from tuishare.link.mailbox.messages import ReachService
from tuishare.link.peer import LinkFailed
from tuishare.net.splice import Splice, SpliceEnd
from tuishare.net.ssh_place import SshPlace

_HOST_KEYS: Final = ("ssh-ed25519",)
_ALIVE_SECONDS: Final = 20
_CONNECT_SECONDS: Final = 20
_EVERYWHERE: Final = ""
"""For `listen_host`: all addresses of the server (RFC 4254, 7.1)."""

Forward = Callable[[ReachService, str, Callable[[Splice], SpliceEnd]], SpliceEnd | None]
"""Connects a caller to our own port; see `tuishare.agent.network.reach_client.ReachClient.forward`."""


class UnknownHostKey(LinkFailed):
    """The server shows a host key that was not confirmed.

    Attributes:
        fingerprint: of it, as OpenSSH writes it: ``SHA256:…``.
    """

    def __init__(self, place: SshPlace, fingerprint: str) -> None:
        super().__init__(
            f"The SSH server at {place.endpoint} shows a host key that was not confirmed: {fingerprint}",
            hint="Compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there, then run"
            f" `tuishare config set network.reach_host_key {fingerprint}`.",
        )
        self.fingerprint = fingerprint


def authorized_keys_line(key: LinkKey, ports: Mapping[ReachService, int]) -> str:
    """Return the line that lets a key listen on these ports of an SSH server, and do nothing else there but connect."""
    permits = ",".join(f'permitlisten="{port}"' for port in ports.values())
    text = public_key(key.public_key).export_public_key().decode().strip()
    return f"restrict,port-forwarding,{permits} {text} tuishare-reach"


async def forward_ports(
    key: LinkKey,
    place: SshPlace,
    host_key: str,
    ports: Mapping[ReachService, int],
    forward: Forward,
    on_open: Callable[[], None],
) -> None:
    """Have ports of an SSH server forwarded to us until the connection ends.

    Args:
        key: in the server's ``authorized_keys``.
        place: the account.
        host_key: fingerprint that the user confirmed, ``SHA256:…``; empty: none.
        ports: at the server.
        forward: takes each caller.
        on_open: called when all ports are forwarded.

    Raises:
        UnknownHostKey: the server shows another host key.
        LinkFailed: why the connection was not made, or ended.
    """
    async with await _connect(key, place, host_key) as connection:
        for service, port in ports.items():
            await _listen(connection, place, service, port, forward)
        on_open()
        await connection.wait_closed()
    raise LinkFailed(f"The SSH server at {place.endpoint} ended the connection")


async def _connect(key: LinkKey, place: SshPlace, host_key: str) -> asyncssh.SSHClientConnection:
    client = _Client(host_key)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await asyncssh.connect(
                place.endpoint.host,
                place.endpoint.port,
                config=None,
                client_factory=lambda: client,
                known_hosts=([], [], []),  # so that the client is asked
                server_host_key_algs=_HOST_KEYS,
                username=place.user,
                client_keys=[private_key(key)],
                preferred_auth="publickey",
                agent_path=None,
                compression_algs=None,
                gss_host=None,
                x509_trusted_certs=None,
                login_timeout=LOGIN_SECONDS,
                keepalive_interval=_ALIVE_SECONDS,
            )
    except asyncssh.HostKeyNotVerifiable:
        if client.shown:
            raise UnknownHostKey(place, client.shown) from None
        raise LinkFailed(f"The SSH server at {place.endpoint} shows no Ed25519 host key") from None
    except asyncssh.PermissionDenied:
        raise LinkFailed(
            f"The SSH server at {place.endpoint} does not let us in",
            hint="Put the line that `tuishare reach key` prints into its authorized_keys file.",
        ) from None
    except TimeoutError:
        raise LinkFailed(f"{place.endpoint} does not answer") from None
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "no connection"
        raise LinkFailed(f"{place.endpoint} cannot be reached: {reason}") from None
    except asyncssh.Error:
        raise LinkFailed(f"What answers at {place.endpoint} is no SSH server that we can use") from None


async def _listen(
    connection: asyncssh.SSHClientConnection,
    place: SshPlace,
    service: ReachService,
    port: int,
    forward: Forward,
) -> None:
    def take(host: str, _: int) -> asyncssh.SSHTCPSession[bytes]:
        end = forward(service, host, _ForwardedEnd)
        if not isinstance(end, _ForwardedEnd):
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "not now")
        return end

    listener = None
    with contextlib.suppress(asyncssh.ChannelListenError, asyncssh.Error, OSError):
        listener = await connection.create_server(take, _EVERYWHERE, port, encoding=None)
    if listener is None:
        raise LinkFailed(
            f"The SSH server at {place.endpoint} does not forward port {port}",
            hint="It is in use there, or not permitted: see `tuishare reach key`, and GatewayPorts in its sshd_config.",
        )


class _Client(asyncssh.SSHClient):
    """Accepts one host key."""

    def __init__(self, host_key: str) -> None:
        self._host_key = host_key
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 (asyncssh's signature)
        self.shown = key.get_fingerprint()
        return bool(self._host_key) and self.shown == self._host_key


class _ForwardedEnd(SpliceEnd, asyncssh.SSHTCPSession[bytes]):  # type: ignore[misc] # a channel is like a transport
    """The channel of a caller."""

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        if self.other.is_lost and self.transport is not None:
            self.transport.close()  # there is no one to read it
        else:
            super().data_received(data, datatype)

    def finish(self) -> None:
        """Say that nothing follows; the server closes the channel when the caller has everything and ends, too.

        Closing it here would throw away what the server has not sent to the caller yet.
        """
        if self.transport is not None and not self.is_lost:
            self.transport.write_eof()

    def session_started(self) -> None:
        """Wait until the other end is there; called by asyncssh."""
