"""The HTTP client for trackers.

Owns authentication by pinned key or web PKI, the proxy, and the limits: no long responses, packed or not, and no
redirect to another host. A tracker named by an envelope is contacted only if its address is allowed (threat T4); a name
is resolved once, and the connection goes to the address that was checked. Must not know libtorrent, nor keep anything
but open connections between requests.
"""

from __future__ import annotations

import asyncio
import socket
import zlib
from dataclasses import dataclass, field
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tuishare.errors import BadInput, Refused, SystemFailed, VerificationFailed
from tuishare.net.addresses import MOST_CONTACTS, judge, read_address
from tuishare.net.http_session import failures, open_session
from tuishare.net.local_machine import LocalMachine
from tuishare.net.proxy_settings import Proxy
from tuishare.sanitize import for_display
from tuishare.torrents import bencode
from tuishare.tracker.certificate import pin_of

LONGEST_ANSWER: Final = 256 * 1024
"""Bytes; more than a thousand peers in the long form."""
_SECONDS: Final = 30.0
_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_ANY_HEADER: Final = zlib.MAX_WBITS | 32
"""Of zlib: recognise the headers of gzip and zlib."""


@dataclass(frozen=True, slots=True)
class TrackerTarget:
    """A tracker of one share.

    Attributes:
        url: http or https, with our passkey; secret.
        pin: SHA-256 of the tracker's public key (https); None: its certificate must be valid in the web PKI.
        judged: whether its address has to be checked, because neither the user nor the settings named it.
    """

    url: str = field(repr=False)
    pin: bytes | None = None
    judged: bool = False


class PinMismatch(VerificationFailed):
    """The server at the tracker's address has another key."""


class _CheckingResolver(AbstractResolver):
    """A resolver that returns only addresses that may be contacted."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = (await self._resolver.resolve(host, port, family))[:MOST_CONTACTS]
        machine = LocalMachine()
        good = [each for each in found if not _fault_of(each["host"], port, machine)]
        if found and not good:
            raise _refusal(_fault_of(found[0]["host"], port, machine))
        return good

    async def close(self) -> None:
        await self._resolver.close()


class _Pin(aiohttp.Fingerprint):
    """Checks the public key where aiohttp would check the certificate: before anything is sent."""

    def check(self, transport: asyncio.Transport) -> None:
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if pin_of(shown) != self.fingerprint:
            transport.abort()
            raise PinMismatch(
                "The tracker's key is not the one that the sender signed",
                hint="The connection may be intercepted. If the sender has replaced the key, ask for a new envelope.",
            )


class TrackerClient:
    """Sends announces to trackers; an asynchronous context manager."""

    def __init__(self, proxy: Proxy | None) -> None:
        self._proxy = proxy
        self._unreachable = failures(proxy)

    async def __aenter__(self) -> Self:
        """Open the sessions."""
        # Two sessions, so that no connection to an unchecked address is reused where checks are required.
        self._sessions = {
            judged: open_session(self._proxy, _SECONDS, _CheckingResolver() if judged else None)
            for judged in (False, True)
        }
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    async def ask(self, target: TrackerTarget, query: str, user_agent: str) -> bytes:
        """Send one announce.

        Args:
            target: the tracker.
            query: as the client encoded it; not decoded, because it contains raw bytes.
            user_agent: of the client; empty: none.

        Returns:
            The body of the response, at most `LONGEST_ANSWER` bytes.

        Raises:
            Refused: the tracker's address is not allowed; no connection was made.
            VerificationFailed: the tracker's key is wrong, and nothing was sent; or the response is too long.
            SystemFailed: the tracker cannot be reached, has moved to another host, or answers with another status than
                200 and without a failure reason.
        """
        url = URL(f"{target.url}{'&' if '?' in target.url else '?'}{query}", encoded=True)
        for _ in range(_MOST_REDIRECTS):
            answer = await self._get(target, url, user_agent)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise SystemFailed("The tracker redirects without end", hint="tuishare tries again later.")

    async def _get(self, target: TrackerTarget, url: URL, user_agent: str) -> bytes | URL:
        """Send a request; return the body of the response, or where it redirects to."""
        secure = _Pin(target.pin) if target.pin is not None else True
        headers = {"User-Agent": user_agent} if user_agent else {}
        session = self._sessions[target.judged]
        try:
            if target.judged and (fault := _fault_of(url.host or "", url.port or 0, LocalMachine())):
                raise _refusal(fault)
            async with session.get(url, headers=headers, ssl=secure, allow_redirects=False) as answer:
                if answer.status in _REDIRECTS and "Location" in answer.headers:
                    return _next(url, answer.headers["Location"], pinned=target.pin is not None)
                return await _read(answer)
        except aiohttp.ClientSSLError:
            raise VerificationFailed(
                "The tracker has no valid certificate",
                hint="Tell the sender: the tracker has to be repaired.",
            ) from None
        except self._unreachable:
            # Their messages may quote the URL, which contains the passkey.
            raise SystemFailed("The tracker cannot be reached", hint="tuishare tries again later.") from None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in answer.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > LONGEST_ANSWER:
            raise _too_long()
    body = _unpacked(body, answer.headers.get("Content-Encoding", ""))
    if answer.status != 200 and not _has_reason(body):
        raise SystemFailed(
            f"The tracker answered with status {answer.status}", hint="tuishare tries again later."
        )
    return body


def _unpacked(body: bytes, encoding: str) -> bytes:
    """Unpack a body that was compressed although it was not asked for, as CDNs do."""
    if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
        return body
    for window in (_ANY_HEADER, -zlib.MAX_WBITS):  # some servers send deflate without its header
        unpacker = zlib.decompressobj(window)
        try:
            unpacked = unpacker.decompress(body, LONGEST_ANSWER + 1)
        except zlib.error:
            continue
        if len(unpacked) > LONGEST_ANSWER:
            raise _too_long()
        return unpacked
    raise VerificationFailed("The tracker's response is damaged")


def _has_reason(body: bytes) -> bool:
    """Return whether a body says why an announce failed, which some trackers send with a status such as 400."""
    try:
        answer = bencode.decode(body, strict=False)
    except BadInput:
        return False
    return isinstance(answer, dict) and isinstance(answer.get(b"failure reason"), bytes)


def _next(url: URL, location: str, *, pinned: bool) -> URL:
    """Return where a redirect leads: on the same host, to the same port or from http to https.

    Elsewhere it is not followed: the announce contains a passkey, and neither the user nor the sender named the host.
    """
    new = url.join(URL(location, encoded=True))
    if not new.query_string:
        new = URL(f"{str(new).partition('#')[0].rstrip('?')}?{url.raw_query_string}", encoded=True)
    is_same = (new.scheme, new.port) == (url.scheme, url.port)
    is_secured = (url.scheme, new.scheme) == ("http", "https") and not pinned
    if new.host != url.host or not (is_same or is_secured):
        raise SystemFailed(
            f"The tracker has moved to {for_display(f'{new.host}:{new.port}', limit=80)}",
            hint="Ask the sender for an envelope with the new address.",
        )
    return new


def _too_long() -> VerificationFailed:
    return VerificationFailed(f"The tracker's response is longer than {LONGEST_ANSWER:,} bytes")


def _fault_of(host: str, port: int, machine: LocalMachine) -> str:
    """Return why an address must not be contacted; empty if it may be, and for names, which are resolved first."""
    address = read_address(host)
    fault = judge(address, port, machine) if address else None
    return f"its address {fault.clause}" if fault else ""


def _refusal(clause: str) -> Refused:
    return Refused(
        f"The tracker is not contacted: {clause}", hint="Ask the sender for an address that you can reach."
    )
