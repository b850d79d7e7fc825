"""HTTP sessions that do what the settings say and nothing else.

Owns what every outgoing request has in common: only the configured proxy, no cookies, no environment variables, no
headers but those that are given. Must not know what is asked. Few agents use a proxy, so only they load its library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver

from tuishare.net.proxy_settings import Kind, Proxy

if TYPE_CHECKING:
    from aiohttp_socks import ProxyType


def open_session(
    proxy: Proxy | None, seconds: float, resolver: AbstractResolver | None = None
) -> aiohttp.ClientSession:
    """Open a session.

    Args:
        proxy: for all connections; it resolves names.
        seconds: for one request with its answer, at most.
        resolver: of names where there is no proxy, instead of the system's.
    """
    return aiohttp.ClientSession(
        connector=_connector(proxy, resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=seconds),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
    )


def failures(proxy: Proxy | None) -> tuple[type[Exception], ...]:
    """Return what a request raises that has no answer."""
    # UnicodeError: a host that cannot be encoded as a name, such as a..b
    common = (aiohttp.ClientError, TimeoutError, OSError, UnicodeError)
    if proxy is None:
        return common
    from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError

    return (*common, ProxyConnectionError, ProxyError, ProxyTimeoutError)


def _connector(proxy: Proxy | None, resolver: AbstractResolver | None) -> aiohttp.TCPConnector:
    if proxy is None:
        return aiohttp.TCPConnector(resolver=resolver)
    from aiohttp_socks import ProxyConnector, ProxyType

    kinds: dict[Kind, ProxyType] = {"socks5": ProxyType.SOCKS5, "http": ProxyType.HTTP}
    return ProxyConnector(
        host=proxy.host,
        port=proxy.port,
        proxy_type=kinds[proxy.kind],
        username=proxy.user or None,
        password=proxy.password or None,
        rdns=True,  # the proxy resolves names
    )
