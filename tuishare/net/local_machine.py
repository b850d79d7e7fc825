"""The addresses of this machine's interfaces, and which local ports belong to an agent.

Two users of one machine share over loopback; a sender elsewhere has no reason to name an address of this machine. An
agent marks its ports with a Unix socket in the abstract namespace, named after the port. Like the port, the mark
belongs to one network namespace, and the kernel removes it with the process.

Owns the marks. Any program on this machine can create one; then envelopes can direct connections to that port only.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
from functools import cached_property
from typing import Final

import psutil

from tuishare.net.addresses import Address, read_address

EVERY_IPV4: Final = "0.0.0.0"  # noqa: S104 (only compared and written)
EVERY_IPV6: Final = "::"
_MARK: Final = "\0tuishare/port/{host}:{port}"
_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)

_log = logging.getLogger(__name__)


class LocalMachine:
    """A snapshot of this machine; every answer is cached."""

    def __init__(self) -> None:
        self._marked: dict[tuple[Address, int], bool] = {}

    def is_own(self, address: Address) -> bool:
        """Return whether an interface has the address."""
        return address in self._own

    def is_broadcast(self, address: Address) -> bool:
        """Return whether this is the broadcast address of an interface's network."""
        return address in self._broadcast

    def is_marked(self, address: Address, port: int) -> bool:
        """Return whether an agent listens on that port of that address, or of all addresses."""
        key = address, port
        if key not in self._marked:
            hosts = (str(address), *((EVERY_IPV4,) if address.version == 4 else ()), EVERY_IPV6)
            self._marked[key] = any(_has_mark(host, port) for host in hosts)
        return self._marked[key]

    @cached_property
    def _own(self) -> frozenset[Address]:
        return own_addresses()

    @cached_property
    def _broadcast(self) -> frozenset[Address]:
        return frozenset(
            address
            for entries in psutil.net_if_addrs().values()
            for entry in entries
            if entry.family == socket.AF_INET and (address := read_address(entry.broadcast or ""))
            # A /31 (RFC 3021) or /32 has none, even if its interface reports one.
            and entry.netmask not in {"255.255.255.255", "255.255.255.254"}
        )  # fmt: skip


def own_addresses() -> frozenset[Address]:
    """Return the addresses of all interfaces, loopback included.

    Raises:
        OSError: the system cannot list them now.
    """
    return frozenset(
        ipaddress.ip_address(entry.address.partition("%")[0])
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in _FAMILIES
    )


def mark_port(host: str, port: int) -> socket.socket | None:
    """Mark a port as ours for as long as the returned socket is open.

    Args:
        host: the address we listen on; empty: all.
        port: 1..65535.

    Returns:
        None if no mark can be made: recipients on this machine then cannot reach us, all others can.
    """
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(_MARK.format(host=host or EVERY_IPV6, port=port))
        mark.shutdown(socket.SHUT_RD)  # nothing is read here, so nothing may queue
    except OSError as error:
        mark.close()
        _log.warning("Port %d cannot be marked as ours on this machine: %s", port, error.strerror)
        return None
    return mark


def _has_mark(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        asking.connect(_MARK.format(host=host, port=port))
        return True
    return False
