"""Peers that are not ours: they speak BitTorrent by hand, over Python's sockets and TLS, and take what they can get."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from base64 import encodebytes
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tuishare.swarm import Credentials
from tuishare.swarm.libtorrent_loader import lt

if TYPE_CHECKING:
    from libtorrent import settings_pack

BLOCK = 16 * 1024
_UNCHOKE, _INTERESTED, _REQUEST, _PIECE = 1, 2, 6, 7
_PATIENCE = 5.0


class Loot(NamedTuple):
    """What an outsider took home."""

    payload: bytes
    greeted: bool
    session: ssl.SSLSession | None
    resumed: bool


def member_context(credentials: Credentials | None, folder: Path) -> ssl.SSLContext:
    """Prepare TLS with somebody's certificate, or none; whom it talks to is not checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if credentials is not None:
        file = folder / "outsider.pem"
        file.write_text(
            _pem("CERTIFICATE", credentials.leaf_certificate) + _pem("PRIVATE KEY", credentials.leaf_key)
        )
        context.load_cert_chain(file)
    return context


def take_block(
    port: int, info_hash: str, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
) -> Loot:
    """Connect, greet, and ask for the first block (BEP 3); blocking. Any refusal gives empty loot."""
    short = bytes.fromhex(info_hash)[:20]
    stream: socket.socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
    greeted = False
    payload = b""
    try:
        if context is not None:
            stream = context.wrap_socket(stream, server_hostname=short.hex(), session=session)
        stream.sendall(b"\x13BitTorrent protocol" + bytes(8) + short + os.urandom(20))
        greeted = _read(stream, 68)[:20] == b"\x13BitTorrent protocol"
        payload = _ask(stream)
    except OSError:
        pass
    finally:
        tls = stream if isinstance(stream, ssl.SSLSocket) else None
        loot = Loot(
            payload, greeted, tls.session if tls else None, bool(tls.session_reused) if tls else False
        )
        stream.close()
    return loot


def stock_session(encryption: int) -> lt.session:
    """Start a libtorrent of nobody's: its defaults, kept on this machine, with that policy on obfuscation."""
    settings: settings_pack = {
        "listen_interfaces": "127.0.0.1:0",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "in_enc_policy": int(encryption),
        "out_enc_policy": int(encryption),
        "alert_mask": lt.alert_category.all,
    }
    return lt.session(settings)


def _ask(stream: socket.socket) -> bytes:
    stream.sendall(struct.pack(">IB", 1, _INTERESTED))
    while True:
        (length,) = struct.unpack(">I", _read(stream, 4))
        message = _read(stream, length)
        if message[:1] == bytes([_UNCHOKE]):
            stream.sendall(struct.pack(">IBIII", 13, _REQUEST, 0, 0, BLOCK))
        if message[:1] == bytes([_PIECE]):
            return message[9:]


def _read(stream: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = stream.recv(length - len(data))
        if not part:
            raise ConnectionError("hung up")
        data += part
    return data


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{encodebytes(der).decode()}-----END {label}-----\n"
