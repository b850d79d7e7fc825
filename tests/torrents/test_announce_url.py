from __future__ import annotations

import pytest

from tuishare.torrents import announce_fault


@pytest.mark.parametrize(
    "url",
    [
        "http://tracker.example/announce",
        "https://tracker.example:8443/announce/abc?x=1",
        "udp://tracker.example:6969",
        "http://[2001:db8::1]:80/announce",
    ],
)
def test_trackers(url: str) -> None:
    assert announce_fault(url) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "does not begin"),
        ("tracker.example", "does not begin"),
        ("ftp://tracker.example/", "does not begin"),
        ("file:///etc/passwd", "does not begin"),
        ("wss://tracker.example/", "does not begin"),
        ("http:///announce", "names no host"),
        ("http://:80/announce", "names no host"),
        ("udp://tracker.example/", "names no port"),
        ("udp://tracker.example:0/", "names no port"),
        ("http://tracker.example:70000/", "malformed"),
        ("http://tracker.example:x/", "malformed"),
        ("http://[::1/", "malformed"),
        ("http://tracker.example/a b", "space"),
        ("http://tracker.example/a\r\nHost: x", "space"),
        ("http://tracker\x00.example/", "control"),
        ("http://tracker\u202e.example/", "control"),
        ("http://tracker.example/" + "a" * 2_048, "longer"),
    ],
)
def test_faulty_trackers(url: str, fault: str) -> None:
    assert fault in (announce_fault(url) or "")
