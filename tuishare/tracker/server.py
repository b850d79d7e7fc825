"""The tracker's HTTP server: https for agents, http for any BitTorrent client.

Owns paths, status codes and disconnecting. Must not decide who is a member: `tuishare.tracker.tracker` does.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from typing import Final, Literal, TypeAlias

from aiohttp import web

from tuishare.net.addresses import Address, unmapped
from tuishare.net.caller_addresses import OriginOf, itself
from tuishare.net.connection_slots import ConnectionSlots, SlotLimits
from tuishare.net.http_listener import HttpListener
from tuishare.net.local_machine import mark_port
from tuishare.tracker.announce import FAILURE
from tuishare.tracker.certificate import TrackerCertificate
from tuishare.tracker.connection_limits import ConnectionLimits, Network
from tuishare.tracker.tracker import AnnounceRejected, Tracker

Scheme: TypeAlias = Literal["https", "http"]

_PATH: Final = re.compile(r"/announce(?:/([^/?]*))?(?:\?(.*))?", re.ASCII)
_PASSKEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_INVALID_PASSKEY: Final = b""
"""Replaces a malformed passkey; no member has the hash of the empty string."""


class TrackerServer:
    """HTTP listeners of one tracker; `start` opens and `close` ends them."""

    def __init__(
        self,
        tracker: Tracker,
        certificate: TrackerCertificate,
        *,
        https: tuple[str, int] | None,
        http: tuple[str, int] | None = None,
        trusted_proxies: Collection[Network] = (),
        origin_of: OriginOf = itself,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the server without opening a socket.

        Args:
            tracker: answers the requests.
            certificate: for https.
            https: host and port to listen on; an empty host means all addresses of both families, port 0 any free one.
            http: likewise, for plain shares, whose clients cannot pin a certificate.
            trusted_proxies: networks of our own proxies, whose ``X-Forwarded-For`` is trusted.
            origin_of: tells who is behind an address of ours from which a hub's callers come.
            clock: monotonic, seconds.
        """
        self._tracker = tracker
        self._certificate = certificate
        self._origin_of = origin_of
        self._hosts: dict[Scheme, tuple[str, int] | None] = {"https": https, "http": http}
        self._connection_limits = ConnectionLimits(tracker.limits, trusted_proxies, clock)
        # Shared by both listeners: they use the memory and descriptors of one process.
        self._slots = ConnectionSlots(self._bounds())
        self._listeners: dict[Scheme, HttpListener] = {}
        self._marks: list[socket.socket] = []

    @property
    def ports(self) -> Mapping[Scheme, int]:
        """The open port of each scheme."""
        return {scheme: listener.port for scheme, listener in self._listeners.items()}

    async def start(self) -> None:
        """Start listening.

        Raises:
            SystemFailed: a port cannot be opened; no other stays open.
        """
        try:
            for scheme, endpoint in self._hosts.items():
                if endpoint:
                    tls = self._certificate.context if scheme == "https" else None
                    listener = self._listeners[scheme] = await HttpListener.open(
                        self._serve, *endpoint, self._slots, tls, origin_of=self._origin_of
                    )
                    if mark := mark_port(endpoint[0], listener.port):
                        self._marks.append(mark)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop listening and cut all connections; no-op if not started."""
        while self._listeners:
            await self._listeners.popitem()[1].close()
        while self._marks:
            self._marks.pop().close()

    def _bounds(self) -> SlotLimits:
        limits = self._tracker.limits
        return SlotLimits(
            connections=limits.connections,
            per_address=limits.connections_per_address,
            per_site=limits.connections_per_site,
            per_provider=limits.connections_per_provider,
            reserved=limits.connections_reserved,
            lifetime=limits.connection_lifetime,
            admits=self._connection_limits.admits,
            prefers=self._connection_limits.prefers,
        )

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        host = self._sender(request)
        match = _PATH.fullmatch(request.raw_path)
        if request.method != "GET" or match is None or request.body_exists:
            return self._refuse(request, host, web.Response(status=404))
        passkey, query = match.groups(default="")
        try:
            body = self._tracker.answer(_read_passkey(passkey), query, host)
        except AnnounceRejected:
            return self._refuse(request, host, _respond(FAILURE))
        self._connection_limits.note_member(host)
        return _respond(body)

    def _refuse(self, request: web.BaseRequest, host: Address, refusal: web.Response) -> web.Response:
        """Return the refusal, and cut the connection of a client with too many refused requests."""
        if not self._connection_limits.is_stranger_allowed(host) and request.transport is not None:
            request.transport.abort()
        return refusal

    def _sender(self, request: web.BaseRequest) -> Address:
        # Without a remote address the connection is closed already, and the response is discarded.
        host = self._origin_of(unmapped(ip_address((request.remote or "::").partition("%")[0])))
        return self._connection_limits.sender(host, ",".join(request.headers.getall("X-Forwarded-For", [])))


def _read_passkey(text: str) -> bytes:
    return bytes.fromhex(text) if _PASSKEY.fullmatch(text) else _INVALID_PASSKEY


def _respond(body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": "text/plain", "Cache-Control": "no-store"})
