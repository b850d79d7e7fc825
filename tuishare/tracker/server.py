"""The tracker on the network: https for agents, http for any BitTorrent client.

Owns paths, statuses and who is cut off. Must not decide who is a member: that is `tuishare.tracker.tracker`'s.
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
from tuishare.net.connection_slots import ConnectionSlots, SlotLimits
from tuishare.net.http_listener import Listener
from tuishare.net.local_machine import mark_port
from tuishare.tracker.announce import FAILURE
from tuishare.tracker.certificate import TrackerCertificate
from tuishare.tracker.connection_limits import ConnectionLimits, Network
from tuishare.tracker.tracker import AnnounceRejected, Tracker

Scheme: TypeAlias = Literal["https", "http"]

_PATH: Final = re.compile(r"/announce(?:/([^/?]*))?(?:\?(.*))?", re.ASCII)
_PASSKEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NOBODYS: Final = b""
"""What stands for a passkey that is not even one; no member's hash is that of nothing."""


class TrackerServer:
    """Serves one tracker; `start` and `close` it."""

    def __init__(
        self,
        tracker: Tracker,
        certificate: TrackerCertificate,
        *,
        https: tuple[str, int] | None,
        http: tuple[str, int] | None = None,
        trusted_proxies: Collection[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare, without a socket yet.

        Args:
            tracker: who answers.
            certificate: for https.
            https: host and port to listen on; an empty host is all addresses of both families, port 0 any free one.
            http: likewise, for plain shares, whose other clients cannot pin a certificate.
            trusted_proxies: networks of proxies of our own, whose ``X-Forwarded-For`` counts.
            clock: seconds, never jumping.
        """
        self._tracker = tracker
        self._certificate = certificate
        self._hosts: dict[Scheme, tuple[str, int] | None] = {"https": https, "http": http}
        self._connection_limits = ConnectionLimits(tracker.limits, trusted_proxies, clock)
        # Of both listeners: they share one process's memory and descriptors.
        self._slots = ConnectionSlots(self._bounds())
        self._listeners: dict[Scheme, Listener] = {}
        self._marks: list[socket.socket] = []

    @property
    def ports(self) -> Mapping[Scheme, int]:
        """Where it listens now."""
        return {scheme: listener.port for scheme, listener in self._listeners.items()}

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            SystemFailed: a port cannot be opened; none is open then.
        """
        try:
            for scheme, place in self._hosts.items():
                if place:
                    tls = self._certificate.context if scheme == "https" else None
                    listener = self._listeners[scheme] = await Listener.open(
                        self._serve, *place, self._slots, tls
                    )
                    if mark := mark_port(place[0], listener.port):
                        self._marks.append(mark)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop listening and cut all connections; harmless when not started."""
        while self._listeners:
            await self._listeners.popitem()[1].close()
        while self._marks:
            self._marks.pop().close()

    def _bounds(self) -> SlotLimits:
        limits = self._tracker.limits
        return SlotLimits(
            connections=limits.connections,
            per_address=limits.connections_each,
            per_site=limits.connections_near,
            per_provider=limits.connections_far,
            reserved=limits.connections_kept,
            lifetime=limits.patience,
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
            said = self._tracker.answer(_read_passkey(passkey), query, host)
        except AnnounceRejected:
            return self._refuse(request, host, _say(FAILURE))
        self._connection_limits.welcome(host)
        return _say(said)

    def _refuse(self, request: web.BaseRequest, host: Address, refusal: web.Response) -> web.Response:
        """Refuse, and end the connection of whoever goes on asking without a word."""
        if not self._connection_limits.is_stranger_allowed(host) and request.transport is not None:
            request.transport.abort()
        return refusal

    def _sender(self, request: web.BaseRequest) -> Address:
        # The connection may be gone by now; nobody reads the answer then.
        host = unmapped(ip_address((request.remote or "::").partition("%")[0]))
        return self._connection_limits.sender(host, ",".join(request.headers.getall("X-Forwarded-For", [])))


def _read_passkey(text: str) -> bytes:
    return bytes.fromhex(text) if _PASSKEY.fullmatch(text) else _NOBODYS


def _say(said: bytes) -> web.Response:
    return web.Response(body=said, headers={"Content-Type": "text/plain", "Cache-Control": "no-store"})
