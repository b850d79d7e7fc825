"""The TCP sockets of this process, as the kernel knows them.

Owns finding them by procfs and looking at one without taking it from its owner: libtorrent opens and closes
descriptors on its own threads at any moment, so each is duplicated first and only the duplicate is asked. Must not
decide what becomes of a connection.
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
"""Where `tcpi_bytes_received` stands in `struct tcp_info` (linux/tcp.h, since Linux 4.1)."""
_ESTABLISHED, _LISTEN = 1, 10
"""Of `tcpi_state`, net/tcp_states.h."""
_DEAF: Final = struct.pack("HBBI", 0x06, 0, 0, 0)
"""The classic BPF program "return 0": no packet passes."""
_SO_ATTACH_FILTER: Final = 26
_SO_DETACH_FILTER: Final = 27
_RESET: Final = struct.pack("ii", 1, 0)

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Tcp:
    """A TCP socket at one moment.

    Attributes:
        port: our own; 0 while it has none.
        peer: the other end, host and port, IPv4 also where an IPv6 socket took it; None unless it is connected.
        received: bytes that came from there so far.
        listens: whether it takes connections.
    """

    port: int
    peer: Address | None
    received: int
    listens: bool


class Sockets:
    """A way to look at sockets of this process that opens no further descriptor; `close` it.

    One descriptor is held as a place for duplicates, so that looking works with none left. Not for two threads at once.
    """

    def __init__(self) -> None:
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._place = os.dup(self._null)
        except OSError:
            os.close(self._null)
            raise

    def close(self) -> None:
        """Give both descriptors back."""
        os.close(self._place)
        os.close(self._null)

    def is_at_least(self) -> int:
        """Return a number of descriptors that are open at least; all that may be when none is left."""
        try:
            return lowest_free(self._null)
        except OSError:
            return descriptor_limit()

    def descriptors(self) -> list[int]:
        """Return every descriptor of this process, by number."""
        try:
            return [int(name) for name in os.listdir(_OWN)]
        except OSError:  # to read the list takes one; with none left every number is in use
            return list(range(descriptor_limit()))

    def find(self, descriptors: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Return descriptor and inode of every socket among these descriptors."""
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                status = os.fstat(descriptor)
                if stat.S_ISSOCK(status.st_mode):
                    yield descriptor, status.st_ino

    def look(self, descriptor: int, inode: int) -> Tcp | None:
        """Look at a TCP socket; None for any other one, or when it is gone."""
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
        """Shut a connection down, if it is still that one; its owner reads the end of it and closes it.

        Args:
            descriptor: its number when it was looked at.
            inode: its identity.
            reset: whether the kernel shall keep nothing of it either, as of a stranger's.
        """
        with self._held(descriptor, inode) as held:
            if held is not None:
                if reset:
                    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                held.shutdown(socket.SHUT_RDWR)

    def deafen(self, descriptor: int, inode: int, *, deaf: bool) -> None:
        """Let a listening socket hear nothing, or hear again; what was accepted is not touched.

        Whoever calls meanwhile calls again after 1, 3 and 7 s by the rules of TCP.
        """
        with self._held(descriptor, inode) as held:
            if held is None:
                return
            if deaf:
                program = _Buffer(_DEAF)
                held.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program.header)
            else:
                held.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)

    @contextlib.contextmanager
    def _held(self, descriptor: int, inode: int) -> Iterator[socket.socket | None]:
        """Hold a duplicate for as long as the block lasts; None where the descriptor is another's by now.

        Errors of the socket end the block: it was closed, or its other end is gone.
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
    """`struct sock_fprog`: how many instructions, and where they stand in memory."""

    def __init__(self, program: bytes) -> None:
        self._program = ctypes.create_string_buffer(program, len(program))
        self.header = struct.pack("HL", len(program) // 8, ctypes.addressof(self._program))
