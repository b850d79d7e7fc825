"""Datagrams to a service manager."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tuishare.agent.process.sd_messages import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_assignments_arrive_as_one_datagram(
    root: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    address = f"@tuishare-test-{os.getpid()}" if abstract else str(root / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + address[1:] if abstract else address)
        manager.settimeout(5)
        notify("READY=1", "STATUS=fine")
        assert manager.recv(100) == b"READY=1\nSTATUS=fine"


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234"])
def test_without_a_manager_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    made: list[object] = []
    monkeypatch.setattr(socket, "socket", made.append)
    notify("READY=1")
    assert made == []


def test_a_manager_that_is_gone_does_not_end_the_agent(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(root / "nobody"))
    notify("READY=1")
    assert "service manager" in caplog.text
