"""Proof, at every start, that no TLS session can be resumed here.

Owns a throw-away share in a session of its own on loopback, and a TLS client that is not libtorrent's (Python's
`ssl`). A resumed session would skip the check of the share's authority (threats T9 and T10), and whether the guard of
`tuishare.swarm.libtorrent_loader` took effect depends on the process; so it is tested, not assumed.
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

_PATIENCE = 5.0
_NOWHERE = Path(os.devnull)
"""Nothing of the share is ever read or written."""
_TORRENT = (
    b"d4:infod6:lengthi16384e4:name1:x12:piece lengthi16384e6:pieces20:" + bytes(20) + b"7:privatei1eee"
)
_VERSIONS = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)


def check_no_resumption() -> None:
    """Connect twice per TLS version and see that nothing of the first connection helps the second; about 0.1 s.

    Blocking: not for the event loop.

    Raises:
        SystemFailed: a session can be resumed, or the proof could not be made.
    """
    now = datetime.now(UTC)
    authority = create_authority(now)
    credentials = authority.admit(authority.issue(now))
    admission = prepare(TorrentSpec(_TORRENT, _NOWHERE, "tls", credentials, complete=True), now)
    # The session must outlive the probes: without a reference it ends.
    session, port = _serve(admission)
    try:
        for version in _VERSIONS:
            _probe(_client(version, admission, credentials.root_certificate), port, admission)
    except OSError as error:
        raise SystemFailed(
            "The TLS self-test could not connect to this machine itself",
            hint="Something keeps programs from using 127.0.0.1.",
        ) from error
    del session


def _serve(admission: TorrentParams) -> tuple[lt.session, int]:
    session = lt.session(settings_for(EngineSettings(listen_tls="127.0.0.1:0")))
    handle = session.add_torrent(admission.params)
    assert admission.certificate is not None
    handle.set_ssl_certificate_buffer(*admission.certificate)
    handle.resume()
    return session, session.ssl_listen_port()


def _client(version: ssl.TLSVersion, admission: TorrentParams, root: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.check_hostname = False  # the certificate says "*"; its authority is checked
    context.load_verify_locations(cadata=root)
    assert admission.certificate is not None
    certificate, key, _ = admission.certificate
    # `ssl` reads these from a file only; this one is in memory, because a disk may be full.
    with os.fdopen(os.memfd_create("throw-away.pem"), "w") as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def _probe(context: ssl.SSLContext, port: int, admission: TorrentParams) -> None:
    info_hash = bytes.fromhex(admission.info_hash)[:20]
    first, _ = _greet(context, port, info_hash, None)
    second, reused = _greet(context, port, info_hash, first)
    if reused or any(session is not None and session.has_ticket for session in (first, second)):
        raise SystemFailed(
            "TLS sessions could be resumed here, which would let former members back in",
            hint="Another part of this program used libtorrent first; without TLS, plain swarms still work.",
        )


def _greet(
    context: ssl.SSLContext, port: int, info_hash: bytes, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool]:
    """Shake hands as a member.

    An answer in BitTorrent (BEP 3) proves that the connection is a real one. Tickets of TLS 1.3 come before it, so
    whatever there is has been seen.

    Returns:
        The new session, and whether it is a resumed one.
    """
    greeting = b"\x13BitTorrent protocol" + bytes(8) + info_hash
    with (
        socket.create_connection(("127.0.0.1", port), _PATIENCE) as raw,
        context.wrap_socket(raw, server_hostname=info_hash.hex(), session=session) as stream,
    ):
        # A peer id of its own each time: a second connection with a known one is dropped without a word.
        stream.sendall(greeting + os.urandom(20))
        if stream.recv(20) != greeting[:20]:
            raise ConnectionError("the throw-away share did not answer")
        return stream.session, bool(stream.session_reused)
