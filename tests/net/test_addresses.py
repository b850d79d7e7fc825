"""Which addresses and announce URLs that others name may be asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import pytest

from tuishare.net.addresses import Address, TrackerRules, address_fault, embedded_ipv4, judge, tracker_names

KEY = "ab" * 32


@dataclass
class Here:
    """A machine as a test wants it."""

    own: tuple[str, ...] = ("127.0.0.1", "::1", "192.168.1.5", "2001:db8::5")
    broadcast: str = "192.168.1.255"
    marked: set[tuple[str, int]] = field(default_factory=set)

    def is_own(self, address: Address) -> bool:
        return str(address) in self.own

    def is_broadcast(self, address: Address) -> bool:
        return str(address) == self.broadcast

    def is_marked(self, address: Address, port: int) -> bool:
        return (str(address), port) in self.marked


@pytest.mark.parametrize(
    ("host", "clause"),
    [
        ("0.0.0.0", "is unspecified"),
        ("0.1.2.3", "is unspecified"),
        ("169.254.169.254", "is link-local"),
        ("224.0.0.1", "is multicast"),
        ("239.255.255.250", "is multicast"),
        ("240.0.0.1", "is reserved"),
        ("255.255.255.255", "is broadcast"),
        ("::", "is unspecified"),
        ("fe80::1", "is link-local"),
        ("fe80::1%eth0", "is link-local"),
        ("ff02::1", "is multicast"),
        ("fec0::1", "is reserved"),
        ("100::1", "is reserved"),
        ("4000::1", "is reserved"),
        ("::ffff:169.254.169.254", "is link-local"),
        ("::169.254.169.254", "is link-local"),
        ("::ffff:0:169.254.169.254", "is link-local"),
        ("64:ff9b::169.254.169.254", "is link-local"),
        ("64:ff9b:1::169.254.169.254", "is link-local"),
        ("2002:a9fe:a9fe::1", "is link-local"),
        ("2001:0:1:2:3:4:5601:5601", "is link-local"),
        ("2002:e000:1::", "is multicast"),
    ],
)
def test_nobody_is_at_such_an_address(host: str, clause: str) -> None:
    assert address_fault(ip_address(host)) == clause


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8", "192.168.1.9", "10.0.0.1", "100.64.0.1", "192.0.2.7", "2001:db8::7", "2a00::1", "fd00::7",
     "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "127.0.0.1", "::1"],
)  # fmt: skip
def test_somebody_may_be_at_others(host: str) -> None:
    assert address_fault(ip_address(host)) is None


def test_an_address_that_carries_another_is_taken_for_it() -> None:
    for host in ("::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "2001::80ff:fffe"):
        assert embedded_ipv4(ip_address(host)) == ip_address("127.0.0.1")
    for host in ("::1", "::", "2001:db8::7f00:1", "127.0.0.1"):
        assert embedded_ipv4(ip_address(host)) == ip_address(host)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1.2.3", "::1", "192.168.1.5", "2001:db8::5", "::ffff:127.0.0.1", "2002:7f00:1::",
     "::ffff:192.168.1.5"],
)  # fmt: skip
def test_this_machine_is_called_only_where_a_port_is_marked(host: str) -> None:
    address, here = ip_address(host), Here()
    fault = judge(address, 22, here)
    assert fault is not None
    assert not fault.lasting
    here.marked.add((str(embedded_ipv4(address)), 50007))
    assert judge(address, 50007, here) is None
    assert judge(address, 22, here) is not None


def test_others_are_called_and_what_cannot_be_one_never_is() -> None:
    assert judge(ip_address("192.168.1.6"), 22, Here()) is None
    for host in ("192.168.1.255", "169.254.169.254", "::ffff:192.168.1.255"):
        fault = judge(ip_address(host), 50007, Here(marked={(host, 50007)}))
        assert fault is not None
        assert fault.lasting


TLS = TrackerRules("tls", contacts=("192.0.2.7", "2001:db8::7", "Alice.example"))
PLAIN = replace(TLS, transport="plain")


@pytest.mark.parametrize(
    "url",
    [
        f"https://192.0.2.7:50009/announce/{KEY}",
        f"https://[2001:db8::7]:50009/announce/{KEY}",
        f"https://[2001:DB8:0::7]:50009/announce/{KEY}",
        "https://192.0.2.7/announce",
        "HTTPS://alice.EXAMPLE:1/announce/{passkey}",
    ],
)
def test_a_tracker_of_the_sender_is_asked(url: str) -> None:
    assert TLS.fault(url, pinned=True) is None
    assert PLAIN.fault(url.replace("https", "http"), pinned=False) is None
    assert not TLS.chose(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://192.0.2.7/api/delete?confirm=yes",
        "https://192.0.2.7/",
        "https://192.0.2.7",
        "https://192.0.2.7/announcement",
        "https://192.0.2.7/x/announce",
        "https://192.0.2.7/announce.php",
        "https://192.0.2.7/announce/../api",
        "https://192.0.2.7/announce/%2e%2e/api",
        "https://192.0.2.7/announce/..%2fapi",
        "https://192.0.2.7/announce\\..\\api",
        "https://192.0.2.7/announce//api",
        "https://192.0.2.7/announce/x;y=z",
        "https://192.0.2.7/announce?confirm=yes",
        "https://192.0.2.7/announce#x",
        "https://192.0.2.7/announce\n",
        "https://root@192.0.2.7/announce",
        "https://evil.example\\@192.0.2.7/announce",
        "https://192.0.2.7@evil.example/announce",
        "https://192.0.2.7:port/announce",
        "https://192.0.2.7:0/announce",
        "https://192.0.2.7:65536/announce",
        "https://evil.example/announce",
        "https://192.0.2.8/announce",
        "https://127.0.0.1/announce",
        "https://0xc0000207/announce",
        "https://alice.example.evil.example/announce",
        "udp://192.0.2.7:50009/announce",
        "udp://192.0.2.7:50009",
        "file:///etc/passwd",
        "",
    ],
)
def test_anything_else_is_not(url: str) -> None:
    for rules in (TLS, PLAIN):
        fault = rules.fault(url, pinned=True)
        assert fault is not None
        assert "192.0.2.7" not in fault
        assert KEY not in fault


def test_in_a_tls_swarm_the_sender_signs_the_key_of_the_tracker() -> None:
    for url, pinned in (("https://192.0.2.7/announce", False), ("http://192.0.2.7/announce", True)):
        assert "https with a key" in (TLS.fault(url, pinned=pinned) or "")


def test_what_the_settings_name_is_asked_wherever_it_is() -> None:
    odd = "http://127.0.0.1:7/tracker.cgi?key={passkey}&x=1"
    rules = replace(TLS, chosen=(odd, "http://t.example/a.php"))
    for url in (odd, odd.replace("{passkey}", KEY), "http://t.example/a.php"):
        assert rules.fault(url, pinned=False) is None
        assert rules.chose(url)
    for url in (odd.replace("{passkey}", KEY + "/../x"), "http://t.example/a.phpx", "http://t.example/b"):
        assert rules.fault(url, pinned=True) is not None


@pytest.mark.parametrize(
    "listed", ["t.example", "T.Example:443", "[2001:db8::9]", "2001:db8::9", "[2001:db8::9]:443"]
)
def test_a_host_of_the_settings_may_have_a_tracker_of_any_make(listed: str) -> None:
    rules = replace(TLS, listed=(listed,))
    host = "[2001:db8::9]" if "::" in listed else "t.example"
    for path in ("announce", "announce.php?passkey=7", f"{KEY}/announce", f"announce/{KEY}"):
        assert rules.fault(f"https://{host}/{path}", pinned=False) is None
        assert rules.chose(f"https://{host}/{path}")
        assert rules.fault(f"http://{host}:443/{path}", pinned=False) is not None
    assert rules.fault(f"https://{host}/api/announcer/../x", pinned=True) is not None
    assert rules.fault(f"https://{host}/api", pinned=True) is not None
    assert replace(rules, transport="plain").fault(f"udp://{host}:443", pinned=False) is None


def test_of_a_file_named_by_hand_any_host_is_asked_for_an_announce() -> None:
    rules = TrackerRules("plain", any_host=True)
    for url in ("udp://t.example:6969", "http://t.example/announce", "http://t.example/announce.php?k=1"):
        assert rules.fault(url, pinned=False) is None
        assert not rules.chose(url)
    assert rules.fault("http://t.example/api?confirm=yes", pinned=False) is not None


def test_a_tracker_has_a_name_with_and_without_its_port() -> None:
    assert tracker_names("https://T.example/announce") == {"t.example", "t.example:443"}
    assert tracker_names("http://[2001:DB8::1]:7/a") == {"2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:7"}
    assert tracker_names("nonsense") == set()
