"""How an agent asks a tracker: over a connection whose other end has proved who it is.

Owns the client side: the pinned key or the web's authorities, the proxy, no redirects, no long answers. A tracker that
an envelope names is asked only where its address lets (threat T4); of a name, what it stands for is judged, and the
connection goes to the very address that was judged. Must not know libtorrent or keep anything between two requests but
open connections.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError, ProxyType
from yarl import URL

from tuishare.errors import Refused, SystemFailed, VerificationFailed
from tuishare.net.addresses import MOST_CONTACTS, judge, read_address
from tuishare.net.local_machine import LocalMachine
from tuishare.net.proxy_settings import Kind, Proxy
from tuishare.tracker.certificate import pin_of

LONGEST_ANSWER: Final = 256 * 1024
"""Bytes; a thousand peers in the long form are less."""
_SECONDS: Final = 30.0
_KINDS: Final[dict[Kind, ProxyType]] = {"socks5": ProxyType.SOCKS5, "http": ProxyType.HTTP}

_UNREACHABLE: Final = (
    *(aiohttp.ClientError, TimeoutError, OSError),
    *(ProxyError, ProxyConnectionError, ProxyTimeoutError),
)


@dataclass(frozen=True, slots=True)
class TrackerTarget:
    """A tracker as one share's announces reach it.

    Attributes:
        url: http or https, with our passkey; secret.
        pin: SHA-256 of the tracker's public key (https); None: its certificate must be good for any browser.
        judged: whether its address has to be judged, because neither a person nor the settings named it.
    """

    url: str = field(repr=False)
    pin: bytes | None = None
    judged: bool = False


class PinMismatch(VerificationFailed):
    """Somebody else answers at the tracker's address."""


class _Judging(AbstractResolver):
    """Looks names up and gives those addresses only that may be asked."""

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
    """Compares the public key where aiohttp would compare the certificate: before anything is sent."""

    def check(self, transport: asyncio.Transport) -> None:
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if pin_of(shown) != self.fingerprint:
            transport.abort()
            raise PinMismatch(
                "The tracker shows another key than its sender signed",
                hint="Somebody may be listening in on the way; or ask the sender for a new envelope.",
            )


class TrackerClient:
    """Asks trackers; an asynchronous context manager."""

    def __init__(self, proxy: Proxy | None) -> None:
        self._proxy = proxy

    async def __aenter__(self) -> Self:
        """Be ready to ask."""
        # Apart from each other, so that no connection to an address that was not judged is used again.
        self._sessions = {
            judged: _session(_connector(self._proxy, judged=judged)) for judged in (False, True)
        }
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cut all connections."""
        for session in self._sessions.values():
            await session.close()

    async def ask(self, target: TrackerTarget, query: str, user_agent: str) -> bytes:
        """Send one announce.

        Args:
            target: whom.
            query: as the client wrote it; not decoded, because it holds raw bytes.
            user_agent: the client's own; empty: none.

        Returns:
            What the tracker said, at most `LONGEST_ANSWER` bytes.

        Raises:
            Refused: its address is not one that may be asked; no connection was made then.
            VerificationFailed: it is not who it should be; nothing was sent then. Or the answer is too long.
            SystemFailed: it cannot be reached, or did not answer with 200.
        """
        url = URL(f"{target.url}{'&' if '?' in target.url else '?'}{query}", encoded=True)
        secure = _Pin(target.pin) if target.pin is not None else True
        headers = {"User-Agent": user_agent} if user_agent else {}
        session = self._sessions[target.judged]
        try:
            if target.judged and (fault := _fault_of(url.host or "", url.port or 0, LocalMachine())):
                raise _refusal(fault)
            async with session.get(url, headers=headers, ssl=secure, allow_redirects=False) as answer:
                return await _read(answer)
        except aiohttp.ClientSSLError:
            raise VerificationFailed(
                "The tracker has no valid certificate", hint="Give its URL to the sender to be put right."
            ) from None
        except _UNREACHABLE:
            # Their texts may quote the URL, which holds the passkey.
            raise SystemFailed("The tracker cannot be reached", hint="It is asked again later.") from None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    said = b""
    async for chunk in answer.content.iter_chunked(16 * 1024):
        said += chunk
        if len(said) > LONGEST_ANSWER:
            raise VerificationFailed(f"The tracker's answer is longer than {LONGEST_ANSWER:,} bytes")
    if answer.status != 200:
        raise SystemFailed(
            f"The tracker answered with status {answer.status}", hint="It is asked again later."
        )
    return said


def _fault_of(host: str, port: int, machine: LocalMachine) -> str:
    """Tell why an address is not to be asked; empty if it may be, and for a name, which has to be looked up first."""
    address = read_address(host)
    fault = judge(address, port, machine) if address else None
    return f"its address {fault.clause}" if fault else ""


def _refusal(clause: str) -> Refused:
    return Refused(
        f"The tracker is not asked: {clause}", hint="Ask the sender for an address that you can reach."
    )


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    # No cookies, no environment: nothing but the configured proxy decides where requests go.
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=_SECONDS),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
    )


def _connector(proxy: Proxy | None, *, judged: bool) -> aiohttp.TCPConnector:
    """Make one; what a proxy looks up is not ours to judge."""
    if proxy is None:
        return aiohttp.TCPConnector(resolver=_Judging()) if judged else aiohttp.TCPConnector()
    return ProxyConnector(
        host=proxy.host,
        port=proxy.port,
        proxy_type=_KINDS[proxy.kind],
        username=proxy.user or None,
        password=proxy.password or None,
        rdns=True,  # names are not looked up around the proxy
    )
