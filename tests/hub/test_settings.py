"""The settings of a hub, its operator's socket, and its limits."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.hub.hubs import a_hub, invite
from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.errors import AgentUnreachable, BadConfiguration, BadInput, NotFound, Refused
from tuishare.hub.operator import GetStatus, HubStatus, Invite, Remove, ask_hub
from tuishare.hub.settings import (
    HubPlaces,
    HubSettings,
    MailboxSettings,
    SenderSettings,
    find_hub,
    load_settings,
    write_settings,
)
from tuishare.hub.storage_quotas import Quotas

TEMPLATE = read_shipped(Shipped.HUB_TEMPLATE)


def test_a_home_folder_that_is_not_known_is_part_of_the_path() -> None:
    assert (
        find_hub({"TUISHARE_HUB": "~no-such-user/hub"}).settings_file.parent
        == Path.cwd() / "~no-such-user/hub"
    )


def test_a_new_hub_has_the_address_it_was_given_and_the_defaults(tmp_path: Path) -> None:
    places = find_hub({"TUISHARE_HUB": str(tmp_path / "hub")})
    with pytest.raises(BadConfiguration, match="There is no hub"):
        load_settings(places)
    with pytest.raises(BadInput):
        write_settings(places, "hub.example", TEMPLATE)
    write_settings(places, "hub.example:2222", TEMPLATE)
    assert load_settings(places) == HubSettings("hub.example:2222", ":2222")
    with pytest.raises(BadConfiguration, match="There is a hub already"):
        write_settings(places, "hub.example:2222", TEMPLATE)
    shown = TEMPLATE.replace("# size", "size").replace("# parcels", "parcels").replace("# days", "days")
    shown = shown.replace("# members", "members").replace("# reserve", "reserve")
    for key in ("ports", "listen", "callers", "per_address", "rate"):
        shown = shown.replace(f"# {key} =", f"{key} =")
    shown = shown.replace("# day", "day")
    places.settings_file.write_text(shown)
    assert load_settings(places) == HubSettings("hub.example:50012")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing required field"),
        ("address = 'a:1'\nport = 3", "there is no such setting"),
        ("address = 'a'", "line 1, key address"),
        ("address = 'a:1'\n[mailbox]\nsize = 'big'", "line 3, key mailbox.size"),
        ("address = 'a:1'\n[total]\nmembers = 0", "line 3, key total.members"),
        ("address = 'a:1'\n[reach]\nports = '80-90'", "line 3, key reach.ports"),
        ("address = 'a:1'\n[reach]\nports = '21000-21001'", "line 3, key reach.ports"),
        ("address = 'a:1'\n[reach]\nports = 'many'", "line 3, key reach.ports"),
        ("address = 'a:1'\n[reach]\nlisten = '50013'", "line 3, key reach.listen"),
        ("address = 'a:1'\n[reach]\nday = 'all'", "line 3, key reach.day"),
        ("address = ", "hub.toml"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path: Path, text: str, said: str) -> None:
    places = HubPlaces(tmp_path)
    places.settings_file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadConfiguration, match=said):
        load_settings(places)


async def test_only_the_owner_of_a_hub_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threat T13."""
    with pytest.raises(AgentUnreachable, match="No hub answers"):
        ask_hub(tmp_path / "hub" / "hub.sock", GetStatus())
    async with a_hub(tmp_path / "hub") as hub:
        path = tmp_path / "hub" / "hub.sock"
        assert path.stat().st_mode & 0o777 == 0o600
        assert isinstance(await asyncio.to_thread(ask_hub, path, GetStatus()), HubStatus)
        with pytest.raises(NotFound, match="no member bob"):
            await asyncio.to_thread(ask_hub, path, Remove("bob"))
        await invite(hub, "bob")
        with pytest.raises(Refused, match="There is a member bob"):
            await asyncio.to_thread(ask_hub, path, Invite("bob", 1))
        for line in (b"{}\n", b"[" * 1000 + b"\n", b'{"kind":"invite","name":"x","days":0}\n'):
            assert b'"kind":"failure"' in await asyncio.to_thread(talk, path, line)
        assert await asyncio.to_thread(talk, path, b"x" * 100_000 + b"\n") == b""
        monkeypatch.setattr("tuishare.hub.operator.os.geteuid", lambda: 12_345)
        assert await asyncio.to_thread(talk, path, b'{"kind":"getstatus"}\n') == b""


def talk(path: Path, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        try:
            connection.sendall(line)
            return connection.recv(1_000_000)
        except (ConnectionResetError, BrokenPipeError):
            return b""


def test_the_limits_of_an_address_are_those_of_its_block_and_day() -> None:
    now = [0.0]
    quotas = Quotas(
        HubSettings("a:1", mailbox=MailboxSettings(parcels=9), sender=SenderSettings(parcels=2)),
        lambda: now[0],
    )

    def reserve(host: str) -> bool:
        return quotas.reserve(b"m", ip_address(host), 10) is None

    assert [reserve(host) for host in ("2001:db8::1", "2001:db8::2", "2001:db8::3")] == [True, True, False]
    assert reserve("2001:db8:0:1::1")
    now[0] = 86_400
    assert reserve("2001:db8::3")
    assert (quotas.of(b"m").parcels, quotas.total.size) == (4, 40)
    quotas.release(b"m", [10] * 4)
    assert (quotas.of(b"m").parcels, quotas.total.size) == (0, 0)
