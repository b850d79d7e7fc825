"""What is said about ports that did not open."""

from __future__ import annotations

import errno
import socket

import pytest

from tuishare.errors import SystemFailed
from tuishare.swarm import Endpoint
from tuishare.swarm.alerts import ListenFailed, Listening
from tuishare.swarm.ports import Ports, free_port

HERE = Listening("tls", Endpoint("192.0.2.7", 50007))


def test_the_first_open_port_counts() -> None:
    ports = Ports()
    ports.note(HERE)
    ports.note(Listening("tls", Endpoint("::1", 50008)))
    assert ports.check("tls") == {"tls": 50007}


def test_one_address_of_several_may_be_missing() -> None:
    ports = Ports()
    ports.note(HERE)
    ports.note(ListenFailed(Endpoint("fe80::1", 50007), errno.EADDRNOTAVAIL, ""))
    assert ports.check("tls") == {"tls": 50007}


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EADDRINUSE, "in use"), (errno.EACCES, "may not be opened")]
)
def test_a_port_in_use_on_one_address_is_an_error(code: int, words: str) -> None:
    ports = Ports()
    ports.note(HERE)
    ports.note(ListenFailed(Endpoint("127.0.0.1", 50007), code, ""))
    with pytest.raises(SystemFailed, match=words):
        ports.check("tls")


def test_an_address_of_another_machine_is_an_error() -> None:
    ports = Ports()
    ports.note(ListenFailed(Endpoint("192.0.2.99", 5), errno.EADDRNOTAVAIL, ""))
    with pytest.raises(SystemFailed, match="not an address of this machine"):
        ports.check("tls")


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(SystemFailed, match="Nothing listens"):
        Ports().check("plain")


def test_a_free_port_can_be_opened() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))


def test_what_is_reported_later_is_not_kept() -> None:
    """Without descriptors libtorrent reports each failed accept, as fast as it can."""
    ports = Ports()
    ports.note(HERE)
    ports.check("tls")
    for _ in range(1000):
        ports.note(ListenFailed(Endpoint("192.0.2.7", 50007), errno.EMFILE, ""))
    assert ports._failures == []
