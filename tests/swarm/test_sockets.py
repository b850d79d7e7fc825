"""Looking at sockets of this process that are another's."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator

import pytest

from tuishare.net.descriptors import descriptor_limit
from tuishare.swarm.sockets import Sockets


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    looking = Sockets()
    yield looking
    looking.close()


@pytest.fixture
def door() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def pair(door: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """The other end, and ours."""
    with socket.create_connection(door.getsockname()) as caller:
        ours, _ = door.accept()
        with ours:
            yield caller, ours


def inode(owner: socket.socket) -> int:
    return os.fstat(owner.fileno()).st_ino


def test_what_is_seen_of_a_connection(
    sockets: Sockets, door: socket.socket, pair: tuple[socket.socket, socket.socket]
) -> None:
    caller, ours = pair
    caller.sendall(b"x" * 77)
    ours.recv(77, socket.MSG_WAITALL | socket.MSG_PEEK)
    seen = sockets.look(ours.fileno(), inode(ours))
    assert seen is not None
    assert (seen.port, seen.peer, seen.received) == (door.getsockname()[1], caller.getsockname(), 77)
    assert not seen.listens
    listening = sockets.look(door.fileno(), inode(door))
    assert listening is not None
    assert listening.listens
    assert listening.peer is None


def test_an_ipv4_peer_of_an_ipv6_socket_is_one(sockets: Sockets) -> None:
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as door,
        socket.create_connection(("127.0.0.1", door.getsockname()[1])) as caller,
        door.accept()[0] as ours,
    ):
        seen = sockets.look(ours.fileno(), inode(ours))
        assert seen is not None
        assert seen.peer == caller.getsockname()


def test_all_sockets_are_found_and_nothing_else(sockets: Sockets, door: socket.socket) -> None:
    found = dict(sockets.find(sockets.descriptors()))
    assert found[door.fileno()] == inode(door)
    with open(os.devnull) as file:
        assert file.fileno() in sockets.descriptors()
        assert file.fileno() not in dict(sockets.find(sockets.descriptors()))


def test_what_was_put_in_its_place_is_left_alone(
    sockets: Sockets, pair: tuple[socket.socket, socket.socket]
) -> None:
    """The number belongs to another connection by the time it is to be ended."""
    caller, ours = pair
    former = inode(ours) + 1_000_000
    assert sockets.look(ours.fileno(), former) is None
    sockets.end(ours.fileno(), former, reset=True)
    caller.sendall(b"still here")
    assert ours.recv(100) == b"still here"


def test_neither_a_file_nor_a_closed_descriptor_is_a_socket(sockets: Sockets) -> None:
    with open(os.devnull) as file:
        number, identity = file.fileno(), os.fstat(file.fileno()).st_ino
        assert sockets.look(number, identity) is None
    assert sockets.look(number, identity) is None


@pytest.mark.parametrize("reset", [True, False])
def test_an_ended_connection_is_at_its_end_on_both_sides(
    sockets: Sockets, pair: tuple[socket.socket, socket.socket], reset: bool
) -> None:
    caller, ours = pair
    sockets.end(ours.fileno(), inode(ours), reset=reset)
    assert ours.recv(1) == b""
    caller.settimeout(5)
    assert caller.recv(1) == b""


def test_a_deaf_port_hears_again(sockets: Sockets, door: socket.socket) -> None:
    sockets.set_blocked(door.fileno(), inode(door), blocked=True)
    with socket.socket() as caller:
        caller.settimeout(0.2)
        with pytest.raises(TimeoutError):
            caller.connect(door.getsockname())
    sockets.set_blocked(door.fileno(), inode(door), blocked=False)
    with socket.create_connection(door.getsockname(), timeout=5):
        pass


def test_it_works_with_no_descriptor_left(
    sockets: Sockets, pair: tuple[socket.socket, socket.socket]
) -> None:
    caller, ours = pair
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    top = max(sockets.descriptors()) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))
    filling: list[int] = []
    try:
        filling.extend(os.dup(ours.fileno()) for _ in range(top - len(sockets.descriptors()) + 1))
        assert sockets.is_at_least() == descriptor_limit() == top
        assert dict(sockets.find(sockets.descriptors()))[ours.fileno()] == inode(ours)
        assert sockets.look(ours.fileno(), inode(ours)) is not None
        sockets.end(ours.fileno(), inode(ours), reset=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in filling:
            os.close(descriptor)
    assert caller.recv(1) == b""


def test_looking_opens_nothing(sockets: Sockets, pair: tuple[socket.socket, socket.socket]) -> None:
    _, ours = pair
    before = len(sockets.descriptors())
    sockets.look(ours.fileno(), inode(ours))
    assert len(sockets.descriptors()) == before
