"""What is ours on this machine."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address
from types import SimpleNamespace

import psutil
import pytest

from tuishare.net.local_machine import LocalMachine, mark_port, own_addresses
from tuishare.swarm.ports import free_port

LOOPBACK = ip_address("127.0.0.1")


@pytest.mark.parametrize("host", ["", "::", "0.0.0.0", "127.0.0.1"])
def test_a_port_is_ours_while_its_mark_is_there(host: str) -> None:
    port = free_port()
    assert not LocalMachine().is_marked(LOOPBACK, port)
    mark = mark_port(host, port)
    assert mark is not None
    with mark:
        assert LocalMachine().is_marked(LOOPBACK, port)
        assert not LocalMachine().is_marked(LOOPBACK, port + 1)
    assert not LocalMachine().is_marked(LOOPBACK, port)


def test_a_mark_is_for_its_address() -> None:
    port = free_port()
    mark = mark_port("127.0.0.2", port)
    assert mark is not None
    with mark:
        assert not LocalMachine().is_marked(LOOPBACK, port)
        assert LocalMachine().is_marked(ip_address("127.0.0.2"), port)
        assert not LocalMachine().is_marked(ip_address("::1"), port)


def test_nothing_can_be_left_at_a_mark() -> None:
    port = free_port()
    mark = mark_port("", port)
    assert mark is not None
    with mark, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.connect(mark.getsockname())
        with pytest.raises(BrokenPipeError):
            other.send(b"x")


def test_a_mark_that_cannot_be_made_is_said_and_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    first = mark_port("", port)
    assert first is not None
    with first:
        assert mark_port("", port) is None
    assert "cannot be marked" in caplog.text


def test_the_addresses_of_all_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LOOPBACK in own_addresses()
    assert LocalMachine().is_own(LOOPBACK)

    def entry(family: int, address: str, netmask: str, broadcast: str | None = None) -> SimpleNamespace:
        return SimpleNamespace(family=family, address=address, netmask=netmask, broadcast=broadcast)

    found = [
        entry(socket.AF_INET, "192.168.1.5", "255.255.255.0", "192.168.1.255"),
        entry(socket.AF_INET, "10.0.0.5", "255.255.255.255", "10.0.0.5"),
        entry(socket.AF_INET6, "fe80::1%eth0", "ffff::"),
        entry(socket.AF_PACKET, "02:fc:00:00:00:01", "", "ff:ff:ff:ff:ff:ff"),
    ]
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": found})
    assert own_addresses() == set(map(ip_address, ("192.168.1.5", "10.0.0.5", "fe80::1")))
    assert [LocalMachine().is_broadcast(ip_address(host)) for host in ("192.168.1.255", "10.0.0.5")] == [
        True,
        False,
    ]


def test_that_the_system_tells_nothing_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(psutil, "net_if_addrs", fail)
    with pytest.raises(OSError, match="Too many"):
        LocalMachine().is_own(ip_address("192.0.2.1"))
