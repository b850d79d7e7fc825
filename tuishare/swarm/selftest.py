"""Self-test at every start that TLS sessions cannot be resumed.

Owns a temporary share in its own session on loopback, and a TLS client independent of libtorrent (Python's `ssl`). A
resumed session would skip the check of the share's authority (threats T9 and T10), and whether the guard of
`tuishare.swarm.libtorrent_loader` is effective depends on the process, so it is tested.
"""

from __future__ import annotations

import os
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from tuishare.errors import SystemFailed
from tuishare.swarm.certificates import create_authority
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.settings import EngineSettings, settings_for
from tuishare.swarm.torrent_params import TorrentParams, prepare
from tuishare.swarm.torrent_spec import TorrentSpec

_TIMEOUT_SECONDS = 5.0
_NOWHERE = Path(os.devnull)
"""The share's payload is never read or written."""
_TORRENT = (
    b"d4:infod6:lengthi16384e4:name1:x12:piece lengthi16384e6:pieces20:" + bytes(20) + b"7:privatei1eee"
)
_VERSIONS = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)


def check_no_resumption() -> None:
    """Connect twice per TLS version and check that the second connection does not resume the first; takes about 0.1 s.

    Blocking: must not run on the event loop.

    Raises:
        SystemFailed: a session can be resumed, or the test could not run.
    """
    now = datetime.now(UTC)
    authority = create_authority(now)
    credentials = authority.admit(authority.issue(now))
    params = prepare(TorrentSpec(_TORRENT, _NOWHERE, "tls", credentials, complete=True), now)
    # Keep a reference, because the session must outlive the probes.
    session, port = _serve(params)
    try:
        for version in _VERSIONS:
            _probe(_client(version, params, credentials.root_certificate), port, params)
    except OSError as error:
        raise SystemFailed(
            "The TLS self-test could not connect to this machine",
            hint="Check what blocks connections to 127.0.0.1, such as a firewall.",
        ) from error
    del session


def _serve(params: TorrentParams) -> tuple[lt.session, int]:
    session = lt.session(settings_for(EngineSettings(listen_tls="127.0.0.1:0")))
    handle = session.add_torrent(params.params)
    assert params.certificate is not None
    handle.set_ssl_certificate_buffer(*params.certificate)
    handle.resume()
    return session, session.ssl_listen_port()


def _client(version: ssl.TLSVersion, params: TorrentParams, root: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.check_hostname = False  # the certificate says "*"; its authority is checked
    context.load_verify_locations(cadata=root)
    assert params.certificate is not None
    certificate, key, _ = params.certificate
    # `ssl` reads these from a file only; this one is in memory, because the disk may be full.
    with os.fdopen(os.memfd_create("throw-away.pem"), "w") as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def _probe(context: ssl.SSLContext, port: int, params: TorrentParams) -> None:
    info_hash = bytes.fromhex(params.info_hash)[:20]
    first, _ = _greet(context, port, info_hash, None)
    second, reused = _greet(context, port, info_hash, first)
    if reused or any(session is not None and session.has_ticket for session in (first, second)):
        raise SystemFailed(
            "TLS sessions can be resumed, which would let former members back in",
            hint="Restart tuishare. If the error persists, please report it; plain swarms still work without TLS.",
        )


def _greet(
    context: ssl.SSLContext, port: int, info_hash: bytes, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool]:
    """Complete a handshake as a member.

    An answer in BitTorrent (BEP 3) proves that the connection works. TLS 1.3 tickets arrive before it, so none is
    missed.

    Returns:
        The new session, and whether it was resumed.
    """
    greeting = b"\x13BitTorrent protocol" + bytes(8) + info_hash
    with (
        socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=info_hash.hex(), session=session) as stream,
    ):
        # Another peer id each time: a second connection with a known one is dropped silently.
        stream.sendall(greeting + os.urandom(20))
        if stream.recv(20) != greeting[:20]:
            raise ConnectionError("the test share did not answer")
        return stream.session, bool(stream.session_reused)
