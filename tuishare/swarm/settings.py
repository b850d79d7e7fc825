"""libtorrent's settings pack, built from our settings.

Owns every value that differs from libtorrent's defaults, with its reason. Must not open a session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tuishare
from tuishare.config.model import Transport
from tuishare.net.descriptors import DescriptorBudget
from tuishare.net.endpoints import Endpoint, parse_listen_address
from tuishare.net.local_machine import EVERY_IPV4, EVERY_IPV6
from tuishare.net.proxy_settings import Proxy
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.ports import free_port

if TYPE_CHECKING:
    from libtorrent import settings_pack

ANY_HOSTS = (EVERY_IPV4, EVERY_IPV6)
"""The hosts of a listen address without a host: all addresses of this machine, in both families."""

_UNLIMITED = -1
_FOREVER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The engine's settings.

    Attributes:
        listen_tls: ``[HOST]:PORT`` for TLS swarms; no host means all addresses, port 0 any free port; None: no TLS
            swarms.
        listen_plain: likewise for plain swarms.
        upload_limit: bytes per second over all torrents; 0 is unlimited. Limits also apply to local networks.
        download_limit: likewise.
        force_mse: plain swarms connect only to peers with message stream encryption. That hides the protocol from
            simple filters; it is not security.
        refresh: seconds between two `Progressed` events of one torrent.
        port_mapping: request port mappings from the router by UPnP and NAT-PMP.
        proxy: for all connections to peers and trackers. libtorrent then opens no port, so no peer can connect to us,
            and names of contacts are not resolved, because that would bypass the proxy.
        keep_trying: start also while a port cannot be opened, and try again; otherwise that is an error.
    """

    listen_tls: str | None = ":50007"
    listen_plain: str | None = None
    upload_limit: int = 0
    download_limit: int = 0
    force_mse: bool = False
    refresh: float = 0.5
    port_mapping: bool = False
    proxy: Proxy | None = None
    keep_trying: bool = False

    @property
    def transports(self) -> tuple[Transport, ...]:
        """The transports with a port."""
        listen: dict[Transport, str | None] = {"tls": self.listen_tls, "plain": self.listen_plain}
        return tuple(transport for transport, address in listen.items() if address is not None)


def fixed_ports(settings: EngineSettings) -> dict[Transport, int]:
    """Return the port of each transport for which the settings name one; empty behind a proxy."""
    listen: dict[Transport, str | None] = {"tls": settings.listen_tls, "plain": settings.listen_plain}
    if settings.proxy is not None:
        return {}
    named = {kind: parse_listen_address(address).port for kind, address in listen.items() if address}
    return {kind: port for kind, port in named.items() if port}


def listen_endpoints(text: str) -> tuple[Endpoint, ...]:
    """Parse a listen address.

    Returns:
        The address; without a host two, one per family. Port 0 without a host becomes a free port.

    Raises:
        BadInput: it is not ``[HOST]:PORT``.
    """
    endpoint = parse_listen_address(text)
    port = endpoint.port
    if not port and endpoint.host in ("", *ANY_HOSTS):
        port = free_port()
    return tuple(Endpoint(host, port) for host in listen_hosts(text))


def listen_hosts(text: str) -> tuple[str, ...]:
    """Return the hosts of a listen address: the given one, or `ANY_HOSTS`.

    Raises:
        BadInput: it is not ``[HOST]:PORT``.
    """
    host = parse_listen_address(text).host
    return (host,) if host else ANY_HOSTS


def settings_for(settings: EngineSettings) -> settings_pack:
    """Build libtorrent's settings pack, without `bounds_for` this machine.

    Raises:
        BadInput: a listen address is malformed.
    """
    pack: settings_pack = {
        **_IDENTITY,
        **_NOTHING_PUBLIC,
        **_NO_QUOTAS,
        **_SPEED,
        **_CONTACTS,
        **_own(settings),
    }
    return pack if settings.proxy is None else {**pack, **_through(settings.proxy)}


def rates_for(upload: int, download: int) -> settings_pack:
    """Build the settings that may change at any time; bytes per second, 0 is unlimited."""
    return {"upload_rate_limit": upload, "download_rate_limit": download}


def bounds_for(allotment: DescriptorBudget) -> settings_pack:
    """Build the settings that keep libtorrent within its descriptors."""
    return {
        "connections_limit": allotment.connections,
        "file_pool_size": allotment.files,
        "max_concurrent_http_announces": allotment.announces,
        # 5 by default: with more than six members connecting at once, some would have to retry a second later.
        "listen_queue_size": min(64, allotment.handshakes),
    }


def _own(settings: EngineSettings) -> settings_pack:
    forced = int(lt.enc_policy.forced) if settings.force_mse else int(lt.enc_policy.enabled)
    return {
        "listen_interfaces": ",".join(_interfaces(settings)),
        **rates_for(settings.upload_limit, settings.download_limit),
        # Requests to the router would bypass the proxy.
        "enable_upnp": settings.port_mapping and settings.proxy is None,
        "enable_natpmp": settings.port_mapping and settings.proxy is None,
        "in_enc_policy": forced,
        "out_enc_policy": forced,
        "allowed_enc_level": int(lt.enc_level.rc4 if settings.force_mse else lt.enc_level.both),
    }


def _through(proxy: Proxy) -> settings_pack:
    """Build the settings for a proxy, without which nothing is reachable (libtorrent never falls back)."""
    kinds = lt.proxy_type_t
    named = {"socks5": kinds.socks5_pw, "http": kinds.http_pw}
    plain = {"socks5": kinds.socks5, "http": kinds.http}
    return {
        "proxy_type": int((named if proxy.user else plain)[proxy.kind]),
        "proxy_hostname": proxy.host,
        "proxy_port": proxy.port,
        "proxy_username": proxy.user,
        "proxy_password": proxy.password,
        "proxy_hostnames": True,
        "proxy_peer_connections": True,
        # Only the relay on loopback is contacted, see `Engine.add`; it uses the proxy itself.
        "proxy_tracker_connections": False,
    }


def _interfaces(settings: EngineSettings) -> list[str]:
    """Return the listen addresses in libtorrent's form; the suffix ``s`` means a TLS port."""
    tls = listen_endpoints(settings.listen_tls) if settings.listen_tls is not None else ()
    plain = listen_endpoints(settings.listen_plain) if settings.listen_plain is not None else ()
    return [f"{endpoint}s" for endpoint in tls] + [str(endpoint) for endpoint in plain]


def _fingerprint(version: str) -> str:
    """Return the start of our peer ids in Azureus style (BEP 20): two letters and four digits."""
    digits = "".join(f"{int(part):X}" for part in version.split(".")[:3])
    return f"-TU{digits:0<4}-"


FINGERPRINT = _fingerprint(tuishare.__version__)
"""The start of all our peer ids."""

_IDENTITY: settings_pack = {
    "user_agent": f"tuishare/{tuishare.__version__}",
    "peer_fingerprint": FINGERPRINT,
    "alert_mask": (
        lt.alert_category.error
        | lt.alert_category.status
        | lt.alert_category.storage
        | lt.alert_category.tracker
        | lt.alert_category.peer
        | lt.alert_category.connect
        | lt.alert_category.port_mapping
    ),
    # 2,000 by default: no alert may be lost when a thousand torrents answer at once (close).
    "alert_queue_size": 50_000,
}

_NOTHING_PUBLIC: settings_pack = {
    "enable_dht": False,
    "enable_lsd": False,
    "dht_bootstrap_nodes": "",
    "webtorrent_stun_server": "",  # a public server by default
    "validate_https_trackers": True,
    "ssrf_mitigation": True,
    "allow_idna": False,
    # A port in use is an error to report, not a reason to listen on another one.
    "max_retry_port_bind": 0,
    "listen_system_port_fallback": False,
}

_NO_QUOTAS: settings_pack = {
    "active_downloads": _UNLIMITED,
    "active_seeds": _UNLIMITED,
    "active_checking": 2,
    "active_limit": _UNLIMITED,
    "active_tracker_limit": _UNLIMITED,
    "share_ratio_limit": _FOREVER,
    "seed_time_ratio_limit": _FOREVER,
    "seed_time_limit": _FOREVER,
}

_SPEED: settings_pack = {
    # Measured on two cores: ten threads (the default) only contend with each other.
    "aio_threads": 1,
    # uTP has 0.4 of TCP's throughput on a fast link, yet libtorrent tries it first: we connect by TCP and accept both.
    # An open uTP connection also delays the end of a session by up to a second, and the event loop with it.
    "mixed_mode_algorithm": int(lt.bandwidth_mixed_algo_t.prefer_tcp),
    "enable_outgoing_utp": False,
    "enable_incoming_utp": True,
    # A requested piece cannot be had from another recipient in the meantime. A queue of one second (3 by default)
    # still saturates any link with a round trip below a second.
    "request_queue_time": 1,
    # By default whole pieces are requested from fast peers, so that several recipients request the same ones.
    "whole_pieces_threshold": 0,
}

_CONTACTS: settings_pack = {
    # Several members may share one address, and in tests all are on loopback.
    "allow_multiple_connections_per_ip": True,
    # Without a tracker, only contacts lead back to a sender. The defaults (3 tries, 60 s apart and growing) give up
    # on one that is offline for five minutes.
    "max_failcount": 100,
    "min_reconnect_time": 1,
    "stop_tracker_timeout": 1,
    # Five minutes by default, overriding the tracker; ours requests announces every 20 s during downloads.
    "min_announce_interval": 15,
    # libtorrent would close a connection between two seeds at once, and at both ends: TLS shutdowns cross then, and
    # every second session takes 3 s to end. `tuishare.swarm.connections` closes them a little later.
    "close_redundant_connections": False,
}
