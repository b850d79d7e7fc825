"""How the engine is set up: our few settings, turned into libtorrent's settings pack.

Owns every value that differs from libtorrent's defaults, each with its reason. Must not open a session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tuishare
from tuishare.net.descriptors import DescriptorBudget
from tuishare.net.endpoints import Endpoint, parse_endpoint
from tuishare.net.local_machine import EVERY_IPV4, EVERY_IPV6
from tuishare.net.proxy_settings import Proxy
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.ports import free_port
from tuishare.swarm.torrent_spec import Transport

if TYPE_CHECKING:
    from libtorrent import settings_pack

ANY_HOSTS = (EVERY_IPV4, EVERY_IPV6)
"""What a listen address without a host stands for: every address of this machine, in both families."""

_UNLIMITED = -1
_FOREVER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a person may choose.

    Attributes:
        listen_tls: ``[HOST]:PORT`` for TLS swarms; no host means every address, port 0 any free port; None: no
            TLS swarms.
        listen_plain: likewise for plain swarms.
        upload_limit: bytes per second over all torrents; 0 is unlimited. Limits hold on local networks too.
        download_limit: likewise.
        force_mse: plain swarms speak only with peers that use message stream encryption. That hides the protocol
            from simple filters; it is not security.
        refresh: seconds between two `Progressed` of one torrent.
        port_mapping: ask the router by UPnP and NAT-PMP to let others reach our ports.
        proxy: through which alone peers and trackers are reached. libtorrent opens no port then, so nobody can reach
            us; and names of contacts are not looked up, because that would go around the proxy.
    """

    listen_tls: str | None = ":50007"
    listen_plain: str | None = None
    upload_limit: int = 0
    download_limit: int = 0
    force_mse: bool = False
    refresh: float = 0.5
    port_mapping: bool = False
    proxy: Proxy | None = None

    @property
    def transports(self) -> tuple[Transport, ...]:
        """The kinds of swarms that there is a port for."""
        listen: dict[Transport, str | None] = {"tls": self.listen_tls, "plain": self.listen_plain}
        return tuple(transport for transport, address in listen.items() if address is not None)


def listen_endpoints(text: str) -> tuple[Endpoint, ...]:
    """Read a listen address.

    Returns:
        The address; two, one per family, where no host was given. Port 0 without a host becomes a free port.

    Raises:
        BadInput: it is not ``[HOST]:PORT``.
    """
    endpoint = parse_endpoint(text, default_host=ANY_HOSTS[0], any_port=True)
    port = endpoint.port
    if not port and endpoint.host in ANY_HOSTS:
        port = free_port()
    return tuple(Endpoint(host, port) for host in listen_hosts(text))


def listen_hosts(text: str) -> tuple[str, ...]:
    """Read the hosts of a listen address: the one that is given, or `ANY_HOSTS`.

    Raises:
        BadInput: it is not ``[HOST]:PORT``.
    """
    return ANY_HOSTS if text.startswith(":") else (parse_endpoint(text, any_port=True).host,)


def settings_for(settings: EngineSettings) -> settings_pack:
    """Build libtorrent's settings pack, but for `bounds_for` the machine.

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
    """Build the part of the settings pack that may change at any time; bytes per second, 0 is unlimited."""
    return {"upload_rate_limit": upload, "download_rate_limit": download}


def bounds_for(allotment: DescriptorBudget) -> settings_pack:
    """Build the part of the settings pack that keeps libtorrent within its descriptors."""
    return {
        "connections_limit": allotment.connections,
        "file_pool_size": allotment.files,
        "max_concurrent_http_announces": allotment.announces,
        # 5 by default: more than six members who call at once would call again a second later.
        "listen_queue_size": min(64, allotment.handshakes),
    }


def _own(settings: EngineSettings) -> settings_pack:
    forced = int(lt.enc_policy.forced) if settings.force_mse else int(lt.enc_policy.enabled)
    return {
        "listen_interfaces": ",".join(_interfaces(settings)),
        **rates_for(settings.upload_limit, settings.download_limit),
        # The router is asked directly, which a proxy is there to avoid.
        "enable_upnp": settings.port_mapping and settings.proxy is None,
        "enable_natpmp": settings.port_mapping and settings.proxy is None,
        "in_enc_policy": forced,
        "out_enc_policy": forced,
        "allowed_enc_level": int(lt.enc_level.rc4 if settings.force_mse else lt.enc_level.both),
    }


def _through(proxy: Proxy) -> settings_pack:
    """Reach everything through a proxy: without it, nothing is reached (libtorrent never falls back)."""
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
        # Nobody is asked but a relay on loopback, see `Engine.add`; what it does is its own.
        "proxy_tracker_connections": False,
    }


def _interfaces(settings: EngineSettings) -> list[str]:
    """Write the listen addresses as libtorrent wants them; the suffix ``s`` makes a TLS port."""
    tls = listen_endpoints(settings.listen_tls) if settings.listen_tls is not None else ()
    plain = listen_endpoints(settings.listen_plain) if settings.listen_plain is not None else ()
    return [f"{endpoint}s" for endpoint in tls] + [str(endpoint) for endpoint in plain]


def _fingerprint(version: str) -> str:
    """Begin our peer ids in the style of Azureus (BEP 20): two letters and four digits."""
    digits = "".join(f"{int(part):X}" for part in version.split(".")[:3])
    return f"-TU{digits:0<4}-"


FINGERPRINT = _fingerprint(tuishare.__version__)
"""How every peer id of ours begins."""

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
    # 2,000 by default: a thousand torrents answering at once (close) must not lose one alert.
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
    # A port in use is an error to report, not a reason to listen somewhere nobody knows of.
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
    # Measured on two cores: ten threads (the default) only get in each other's way.
    "aio_threads": 1,
    # uTP carries 0.4 of what TCP does on a fast link, yet libtorrent tries it first: we call over TCP and answer both.
    # An open uTP connection also delays the end of a session by up to a second, and the event loop with it.
    "mixed_mode_algorithm": int(lt.bandwidth_mixed_algo_t.prefer_tcp),
    "enable_outgoing_utp": False,
    "enable_incoming_utp": True,
    # What is asked for cannot be had from another recipient meanwhile. One second's worth (3 by default) still fills
    # any line with a round trip below a second.
    "request_queue_time": 1,
    # A fast peer is asked for whole pieces by default: then several recipients ask the sender for the same ones.
    "whole_pieces_threshold": 0,
}

_CONTACTS: settings_pack = {
    # Several members may sit behind one address, and all of a test's on loopback.
    "allow_multiple_connections_per_ip": True,
    # Members come and go; without a tracker only the contacts lead back. The defaults (3 tries, 60 s apart and
    # growing) give up on a sender who is away for five minutes.
    "max_failcount": 100,
    "min_reconnect_time": 1,
    "stop_tracker_timeout": 1,
    # Five minutes by default, whatever a tracker says; ours wants to hear of members every 20 s while one downloads.
    "min_announce_interval": 15,
    # libtorrent would end a connection between two who have everything at once, and at both ends: TLS goodbyes cross
    # then, and every second session takes 3 s to end. `tuishare.swarm.idle_connections` ends them a little later.
    "close_redundant_connections": False,
}
