"""Nothing public, no quotas, and the addresses as asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.swarm.conftest import StartEngine
from tuishare.errors import BadInput
from tuishare.net.proxy_settings import Proxy
from tuishare.swarm import Endpoint, EngineSettings
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.settings import listen_endpoints, settings_for


async def test_a_running_engine_has_everything_public_off(start_engine: StartEngine) -> None:
    engine = await start_engine()
    assert engine._session is not None
    running = engine._session.native.get_settings()
    for name in ("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"):
        assert running[name] is False, name
    assert running["webtorrent_stun_server"] == ""
    assert running["dht_bootstrap_nodes"] == ""
    assert running["ssrf_mitigation"] is True
    assert running["validate_https_trackers"] is True
    assert running["user_agent"].startswith("tuishare/")


def test_every_setting_is_one_that_libtorrent_knows() -> None:
    assert settings_for(EngineSettings()).keys() <= lt.default_settings().keys()


def test_limits_and_encryption_are_passed_on() -> None:
    pack = settings_for(EngineSettings(upload_limit=7, download_limit=8, force_mse=True))
    assert (pack["upload_rate_limit"], pack["download_rate_limit"]) == (7, 8)
    assert pack["in_enc_policy"] == pack["out_enc_policy"] == int(lt.enc_policy.forced)
    assert pack["allowed_enc_level"] == int(lt.enc_level.rc4)


def test_a_router_is_asked_only_if_that_is_wanted_and_no_proxy_is_there() -> None:
    wanted = EngineSettings(port_mapping=True)
    hidden = replace(wanted, proxy=Proxy("http", "proxy.example.org", 3128))
    for settings, asked in ((EngineSettings(), False), (wanted, True), (hidden, False)):
        pack = settings_for(settings)
        assert (pack["enable_upnp"], pack["enable_natpmp"]) == (asked, asked)


@pytest.mark.parametrize(
    ("proxy", "kind"),
    [
        (Proxy("socks5", "h", 1), lt.proxy_type_t.socks5),
        (Proxy("socks5", "h", 1, "ann", "secret"), lt.proxy_type_t.socks5_pw),
        (Proxy("http", "h", 1), lt.proxy_type_t.http),
        (Proxy("http", "h", 1, "ann", "secret"), lt.proxy_type_t.http_pw),
    ],
)
def test_a_proxy_is_for_everything(proxy: Proxy, kind: int) -> None:
    pack = settings_for(EngineSettings(proxy=proxy))
    lt.session({**pack, "listen_interfaces": ""})  # refuses what it does not know
    assert pack["proxy_type"] == int(kind)
    assert (pack["proxy_username"], pack["proxy_password"]) == (proxy.user, proxy.password)
    assert pack["proxy_hostnames"]
    assert pack["proxy_peer_connections"]
    assert not pack["proxy_tracker_connections"]  # the only one is the relay on loopback


def test_tls_ports_are_marked() -> None:
    pack = settings_for(EngineSettings(listen_tls="127.0.0.1:1", listen_plain="[::1]:2"))
    assert pack["listen_interfaces"] == "127.0.0.1:1s,[::1]:2"


def test_no_host_means_every_address_in_both_families() -> None:
    assert listen_endpoints(":50007") == (Endpoint("0.0.0.0", 50007), Endpoint("::", 50007))
    first, second = listen_endpoints(":0")
    assert first.port == second.port > 0


def test_transports_are_those_with_a_port() -> None:
    assert EngineSettings(listen_tls=None, listen_plain=":1").transports == ("plain",)


def test_a_malformed_address_is_bad_input() -> None:
    with pytest.raises(BadInput):
        settings_for(EngineSettings(listen_tls="nonsense"))
