"""Loading of libtorrent with TLS session resumption disabled.

Owns the moment at which the OpenSSL inside libtorrent reads its configuration: its first cryptographic call, not the
import (measured: with the variable unset right after the import, tickets are issued; with it unset after one hash, none
are). So this module imports libtorrent, makes that first call while `OPENSSL_CONF` points to our file, and restores
the variable, so that children do not inherit it. Every module of this room must import libtorrent from here.

Must not check whether that worked (libtorrent may have been used before): `tuishare.swarm.selftest` does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import libtorrent as lt

__all__ = ["lt"]

_VARIABLE = "OPENSSL_CONF"
_CONFIGURATION = Path(__file__).with_name("openssl.cnf")
# A minimal torrent; computing its info-hash is a cryptographic call.
_SMALLEST = (
    b"d4:infod6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:" + bytes(20) + b"ee"  # bencoded, BEP 3
)


@contextmanager
def _pointing_to(configuration: Path) -> Iterator[None]:
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(configuration)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


with _pointing_to(_CONFIGURATION):
    lt.load_torrent_buffer(_SMALLEST)
