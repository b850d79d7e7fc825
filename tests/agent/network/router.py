"""A small home behind a real router: network namespaces for the agent, the router, and the world outside.

Owns the cables, the address translation, and the process of miniupnpd, which speaks UPnP and NAT-PMP as home routers
do. Needs root, `nft` and `miniupnpd` (Debian: miniupnpd-nftables); nothing of it leaves the namespaces, and nothing of
it stays.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.waiting import wait_blocking

PUBLIC: Final = "1.2.3.7"
"""The router's address outside. It cannot be one of those for documents, which count as addresses nobody reaches."""
OUTSIDE: Final = "1.2.3.9"
GATEWAY: Final = "192.168.77.1"
INSIDE: Final = "192.168.77.2"
Speaks = Literal["upnp", "natpmp", "nothing"]

_numbers = itertools.count()
_KNOCK: Final = f"import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'test', ('{GATEWAY}', 5351))"
_RULES: Final = """
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname "lan" accept
        jump miniupnpd
    }
    chain miniupnpd { }
    chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
    chain postrouting {
        type nat hook postrouting priority 100;
        jump postrouting_miniupnpd
        oifname "wan" masquerade
    }
    chain prerouting_miniupnpd { }
    chain postrouting_miniupnpd { }
}
"""


@dataclass(frozen=True, slots=True)
class House:
    """The namespaces, and what the router is doing.

    Attributes:
        lan: the namespace of the agent, at `INSIDE`.
        router: that of the router, `GATEWAY` inside and `PUBLIC` outside.
        world: that of somebody outside, at `OUTSIDE`.
        capture: what the router's inner side has seen that was UPnP, NAT-PMP or PCP, one line a packet.
    """

    lan: str
    router: str
    world: str
    capture: Path

    def forwarded(self) -> set[tuple[str, int]]:
        """List what the router forwards to the agent at present: protocol and port.

        In numbers, for `nft` has no name for what miniupnpd compares: 0x11 is the protocol UDP.
        """
        rules = _run(self.router, "nft", "-n", "list", "chain", "inet", "filter", "prerouting_miniupnpd")
        found = (line.split() for line in rules.splitlines() if f"dnat ip to {INSIDE}" in line)
        return {("udp" if "0x11" in words else "tcp", int(words[-1].rpartition(":")[2])) for words in found}

    @contextmanager
    def speaking(self, speaks: Speaks, *, refuses: bool = False) -> Iterator[None]:
        """Let the router speak that language until the block ends."""
        allowed = "" if refuses else "allow 1024-65535 192.168.77.0/24 1024-65535\n"
        config = self.capture.with_name("miniupnpd.conf")
        config.write_text(
            "ext_ifname=wan\nlistening_ip=lan\nhttp_port=0\nsecure_mode=yes\nipv6_disable=yes\n"
            f"enable_upnp={'yes' if speaks == 'upnp' else 'no'}\n"
            f"enable_natpmp={'yes' if speaks == 'natpmp' else 'no'}\n"
            "uuid=5f6c3c1e-8a8b-4e43-9b1d-2d6f0b6f7a11\n"
            f"{allowed}deny 0-65535 0.0.0.0/0 0-65535\n"
        )
        command = ["miniupnpd", "-d", "-f", str(config), "-P", str(config.with_suffix(".pid"))]
        with _background(self.router, command, config.with_suffix(".log")):
            yield

    def knock(self) -> None:
        """Send the router one packet from inside, four bytes long, that shows that the capture works."""
        _run(self.lan, sys.executable, "-c", _KNOCK)

    def asked(self) -> list[str]:
        """List the packets by which somebody inside asked for a router or asked it for something."""
        return self.capture.read_text().splitlines()


@contextmanager
def house(speaks: Speaks, *, refuses: bool = False) -> Iterator[House]:
    """Build it, with a router that speaks that language; everything ends with the block.

    Args:
        refuses: the router forwards no port, and says so.
    """
    prefix = f"tuishare-{os.getpid()}-{next(_numbers)}"
    names = [f"{prefix}-{name}" for name in ("lan", "router", "world")]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ts-router-")))
        for name in names:
            _ip(f"netns add {name}")
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
            _ip(f"-n {name} link set lo up")
        lan, router, world = names
        _connect(lan, router, world)
        subprocess.run(["ip", "netns", "exec", router, "nft", "-f", "-"], input=_RULES.encode(), check=True)
        capture = folder / "capture"
        stack.enter_context(_capturing(router, capture))
        built = House(lan, router, world, capture)
        if speaks != "nothing":
            stack.enter_context(built.speaking(speaks, refuses=refuses))
        yield built


def _connect(lan: str, router: str, world: str) -> None:
    _ip(f"-n {router} link add lan type veth peer name eth0 netns {lan}")
    _ip(f"-n {router} link add wan type veth peer name eth0 netns {world}")
    for name, device, address in (
        (lan, "eth0", INSIDE),
        (router, "lan", GATEWAY),
        (router, "wan", PUBLIC),
        (world, "eth0", OUTSIDE),
    ):
        _ip(f"-n {name} address add {address}/24 dev {device}")
        _ip(f"-n {name} link set {device} up")
    _ip(f"-n {lan} route add default via {GATEWAY}")
    _run(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")


@contextmanager
def _capturing(router: str, into: Path) -> Iterator[None]:
    what = "udp port 1900 or udp port 5350 or udp port 5351"
    words = into.with_suffix(".words")
    with into.open("wb") as out, words.open("wb") as said:
        process = subprocess.Popen(
            ["ip", "netns", "exec", router, "tcpdump", "-lnq", "-i", "lan", "-Q", "in", what],
            stdout=out, stderr=said,
        )  # fmt: skip
    try:
        wait_blocking(lambda: b"listening on" in words.read_bytes())
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def _background(name: str, command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(["ip", "netns", "exec", name, *command], stdout=out, stderr=out)
    try:
        wait_blocking(lambda: b"istening " in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.kill()  # miniupnpd may be deaf for a minute, and what it leaves goes with its namespace
        process.wait()


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True)


def _run(name: str, *command: str) -> str:
    return subprocess.check_output(["ip", "netns", "exec", name, *command], text=True)
