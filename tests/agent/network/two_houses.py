"""Two homes behind routers of their own that forward no port, and one public machine; needs root, `ip` and `nft`.

Owns namespaces, cables and address translation. Nothing of it leaves the namespaces, and nothing of it stays.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

PUBLIC: Final = "1.2.3.9"
"""The public machine. It cannot be one of the addresses for documents, which count as addresses nobody reaches."""
_numbers = itertools.count()
_RULES: Final = """
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname "lan" accept
    }
    chain postrouting {
        type nat hook postrouting priority 100;
        oifname "wan" masquerade
    }
}
"""


def outside(number: int) -> str:
    """Return the public address of the router of a home."""
    return f"1.2.3.{20 + number}"


@dataclass(frozen=True, slots=True)
class Houses:
    """The namespaces.

    Attributes:
        lans: one for each home.
        world: that of the public machine, at `PUBLIC`.
    """

    lans: tuple[str, ...]
    world: str

    def run(self, place: str, *command: str) -> str:
        """Run a command in a namespace, and return what it prints."""
        return subprocess.check_output(["ip", "netns", "exec", place, *command], text=True)


@contextmanager
def houses(count: int = 2) -> Iterator[Houses]:
    """Build them; everything ends with the block."""
    prefix = f"tuishare-{os.getpid()}-{next(_numbers)}"
    world = f"{prefix}-world"
    with contextlib.ExitStack() as stack:
        _add(stack, world)
        _ip(f"-n {world} link add br0 type bridge")
        _ip(f"-n {world} address add {PUBLIC}/24 dev br0")
        _ip(f"-n {world} link set br0 up")
        lans = []
        for number in range(count):
            lan, router = f"{prefix}-lan{number}", f"{prefix}-router{number}"
            _add(stack, lan)
            _add(stack, router)
            _connect(lan, router, world, number)
            lans.append(lan)
        yield Houses(tuple(lans), world)


def _add(stack: contextlib.ExitStack, name: str) -> None:
    _ip(f"netns add {name}")
    stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
    _ip(f"-n {name} link set lo up")


def _connect(lan: str, router: str, world: str, number: int) -> None:
    gateway, inside, public = f"192.168.{70 + number}.1", f"192.168.{70 + number}.2", outside(number)
    _ip(f"-n {router} link add lan type veth peer name eth0 netns {lan}")
    _ip(f"-n {router} link add wan type veth peer name port{number} netns {world}")
    _ip(f"-n {world} link set port{number} master br0 up")
    for name, device, address in ((lan, "eth0", inside), (router, "lan", gateway), (router, "wan", public)):
        _ip(f"-n {name} address add {address}/24 dev {device}")
        _ip(f"-n {name} link set {device} up")
    _ip(f"-n {lan} route add default via {gateway}")
    subprocess.run(["ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
    subprocess.run(["ip", "netns", "exec", router, "nft", "-f", "-"], input=_RULES.encode(), check=True)


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True)
