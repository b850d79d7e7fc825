from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tuishare.api.unix_socket import bind_socket, check_peer, close_socket
from tuishare.errors import BadConfiguration, Refused, SystemFailed


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(os.fspath(path))
    except OSError:
        client.close()
        raise
    return client


def test_only_the_owner_can_reach_the_socket(path: Path) -> None:
    inner = path.parent / "run" / "agent.sock"
    door = bind_socket(inner)
    assert inner.stat().st_mode & 0o777 == 0o600
    assert inner.parent.stat().st_mode & 0o777 == 0o700
    connect(inner).close()
    close_socket(door, inner)
    assert not inner.exists()


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o755, 0o777])
def test_a_folder_that_others_can_enter_is_refused(path: Path, mode: int) -> None:
    path.parent.chmod(mode)
    with pytest.raises(BadConfiguration, match="other users") as caught:
        bind_socket(path)
    assert "chmod 700" in caught.value.hint


def test_a_folder_reached_through_a_link_is_refused(path: Path) -> None:
    link = path.parent / "link"
    link.symlink_to(path.parent)
    with pytest.raises(BadConfiguration, match="not a folder"):
        bind_socket(link / "agent.sock")


def test_a_folder_that_cannot_be_made_is_a_sentence(path: Path) -> None:
    (path.parent / "file").touch()
    with pytest.raises(SystemFailed, match="Cannot use the folder"):
        bind_socket(path.parent / "file" / "agent.sock")


def test_a_stale_socket_is_replaced(path: Path) -> None:
    bind_socket(path).close()  # as after a crash: the file stays, no process listens
    assert path.exists()
    door = bind_socket(path)
    connect(path).close()
    close_socket(door, path)


def test_an_agent_that_answers_is_left_alone(path: Path) -> None:
    door = bind_socket(path)
    with pytest.raises(SystemFailed, match="Another agent already answers"):
        bind_socket(path)
    connect(path).close()
    close_socket(door, path)


def test_a_file_in_the_way_is_not_removed(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(BadConfiguration, match="not a socket"):
        bind_socket(path)
    assert path.read_text() == "mine"


def test_a_failure_leaves_nothing_behind(path: Path) -> None:
    long = path.parent / ("x" * 120)
    with pytest.raises(SystemFailed, match="Cannot listen"):
        bind_socket(long)
    assert list(path.parent.iterdir()) == []


def test_an_agent_that_came_in_between_keeps_its_socket(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    door = bind_socket(path)
    monkeypatch.setattr("tuishare.api.unix_socket._clear", lambda _path: None)  # it came after the look
    with pytest.raises(SystemFailed, match="Cannot listen"):
        bind_socket(path)
    connect(path).close()
    close_socket(door, path)


def test_closing_twice_is_harmless(path: Path) -> None:
    door = bind_socket(path)
    close_socket(door, path)
    close_socket(door, path)


def test_another_user_is_refused() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        check_peer(here, os.geteuid())
        with pytest.raises(Refused, match=f"User {os.geteuid()} may not"):
            check_peer(here, os.geteuid() + 1)
