"""The TCP sockets of this process, including libtorrent's.

Owns finding them in procfs and inspecting them safely: libtorrent opens and closes descriptors on its own threads at
any time, so a descriptor is duplicated first and only the duplicate is used. Must not decide which connections to end.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tuishare.net.descriptors import descriptor_limit, lowest_free

_OWN: Final = "/proc/self/fd"
_INFO_BYTES: Final = 136
_RECEIVED: Final = struct.Struct("=Q")
_RECEIVED_AT: Final = 128
"""Offset of `tcpi_bytes_received` in `struct tcp_info` (linux/tcp.h, since Linux 4.1)."""
_ESTABLISHED, _LISTEN = 1, 10
"""Values of `tcpi_state`, net/tcp_states.h."""
_DROP_ALL: Final = struct.pack("HBBI", 0x06, 0, 0, 0)
"""The classic BPF program "return 0", which drops every packet."""
_SO_ATTACH_FILTER: Final = 26
_SO_DETACH_FILTER: Final = 27
_RESET: Final = struct.pack("ii", 1, 0)

HostPort = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Tcp:
    """The state of a TCP socket.

    Attributes:
        port: the local port; 0 if it has none yet.
        peer: host and port of the remote end, IPv4-mapped addresses as IPv4; None unless it is connected.
        received: bytes received so far.
        listens: whether it is a listener.
    """

    port: int
    peer: HostPort | None
    received: int
    listens: bool


class Sockets:
    """Inspects sockets of this process without opening further descriptors; must be closed.

    One descriptor is reserved for duplicates, so that it works with no free descriptor. Not thread-safe.
    """

    def __init__(self) -> None:
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._place = os.dup(self._null)
        except OSError:
            os.close(self._null)
            raise

    def close(self) -> None:
        """Close both descriptors."""
        os.close(self._place)
        os.close(self._null)

    def is_at_least(self) -> int:
        """Return a lower bound of the number of open descriptors; the limit if none is free."""
        try:
            return lowest_free(self._null)
        except OSError:
            return descriptor_limit()

    def descriptors(self) -> list[int]:
        """Return the numbers of all descriptors of this process."""
        try:
            return [int(name) for name in os.listdir(_OWN)]
        except OSError:  # reading the list takes one; if none is free, every number is in use
            return list(range(descriptor_limit()))

    def find(self, descriptors: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield descriptor and inode of every socket among these descriptors."""
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                status = os.fstat(descriptor)
                if stat.S_ISSOCK(status.st_mode):
                    yield descriptor, status.st_ino

    def look(self, descriptor: int, inode: int) -> Tcp | None:
        """Return the state of a TCP socket; None for any other socket, or if it was closed."""
        with self._held(descriptor, inode) as held:
            if held is None or held.type != socket.SOCK_STREAM or held.family not in _FAMILIES:
                return None
            info = held.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
            listens = info[0] == _LISTEN
            received = _RECEIVED.unpack_from(info, _RECEIVED_AT)[0] if len(info) >= _INFO_BYTES else 0
            peer = None
            if info[0] == _ESTABLISHED:
                host, port = held.getpeername()[:2]
                peer = (host.removeprefix("::ffff:"), port)
            return Tcp(held.getsockname()[1], peer, received, listens=listens)

    def end(self, descriptor: int, inode: int, *, reset: bool) -> None:
        """Shut down a connection, if it is still the same socket; its owner reads EOF and closes it.

        Args:
            descriptor: of the socket when it was inspected.
            inode: identifies the socket.
            reset: whether to send RST, so that the kernel keeps no state either.
        """
        with self._held(descriptor, inode) as held:
            if held is not None:
                if reset:
                    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                held.shutdown(socket.SHUT_RDWR)

    def set_blocked(self, descriptor: int, inode: int, *, blocked: bool) -> None:
        """Block or unblock new connections to a listener; accepted connections are not affected.

        Clients that connect in the meantime retry after 1, 3 and 7 s, as TCP does.
        """
        with self._held(descriptor, inode) as held:
            if held is None:
                return
            if blocked:
                program = _Buffer(_DROP_ALL)
                held.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program.header)
            else:
                held.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)

    @contextlib.contextmanager
    def _held(self, descriptor: int, inode: int) -> Iterator[socket.socket | None]:
        """Duplicate a descriptor for one block; None if it refers to another socket by now.

        An OSError ends the block silently: the socket was closed, or its remote end is gone.
        """
        held: socket.socket | None = None
        try:
            with contextlib.suppress(OSError):
                os.dup2(descriptor, self._place, inheritable=False)
                if os.fstat(self._place).st_ino == inode:
                    held = socket.socket(fileno=self._place)
            with contextlib.suppress(OSError):
                yield held
        finally:
            if held is not None:
                held.detach()
            os.dup2(self._null, self._place, inheritable=False)


_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


class _Buffer:
    """`struct sock_fprog`: number of instructions and their address."""

    def __init__(self, program: bytes) -> None:
        self._program = ctypes.create_string_buffer(program, len(program))
        self.header = struct.pack("HL", len(program) // 8, ctypes.addressof(self._program))
