"""Virtual machines: network namespaces on one bridge, the first with a slow uplink. Needs root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

PREFIX = f"tuishare-{os.getpid()}-"


def address(number: int) -> str:
    """Return the address of the machine of that number, from 0."""
    return f"10.77.0.{number + 1}"


def sent_bytes(name: str) -> int:
    """Return how many bytes a machine has sent so far, headers included."""
    path = "/sys/class/net/eth0/statistics/tx_bytes"
    return int(subprocess.check_output(["ip", "netns", "exec", name, "cat", path]))


@contextmanager
def network(machines: int, uplink: int) -> Iterator[list[str]]:
    """Create the machines, number 0 with an uplink of so many Mbit/s, and always remove them at the end.

    Yields:
        The names of their namespaces, for ``ip netns exec NAME``.
    """
    switch = f"{PREFIX}switch"
    names = [f"{PREFIX}{number}" for number in range(machines)]
    try:
        _ip(f"netns add {switch}", f"-n {switch} link add br0 type bridge", f"-n {switch} link set br0 up")
        for number, name in enumerate(names):
            _plug(switch, number, name)
        # A buffer of 50 ms, as in many a home router.
        shape = f"tc qdisc add dev eth0 root tbf rate {uplink}mbit burst 64kb latency 50ms"
        _ip(f"netns exec {names[0]} {shape}")
        yield names
    finally:
        for name in (*names, switch):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)


def _plug(switch: str, number: int, name: str) -> None:
    _ip(
        f"netns add {name}",
        f"-n {name} link set lo up",
        f"-n {switch} link add port{number} type veth peer name eth0 netns {name}",
        f"-n {switch} link set port{number} master br0 up",
        f"-n {name} address add {address(number)}/24 dev eth0",
        f"-n {name} link set eth0 up",
    )


def _ip(*commands: str) -> None:
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)
