"""An assignment turned into what libtorrent is given.

Owns every decision about one torrent's parameters: private, not managed by libtorrent, no host contacted that the
assignment does not name, TLS by the share's authority. Must not talk to a session.
"""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tuishare.errors import BadInput
from tuishare.net.endpoints import Endpoint
from tuishare.net.local_machine import LocalMachine
from tuishare.swarm.alerts import hash_of
from tuishare.swarm.certificates import Credentials, check_credentials
from tuishare.swarm.dns import judge_addresses, split_contacts
from tuishare.swarm.file_priorities import select
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.torrent_spec import TorrentSpec
from tuishare.torrents import InfoHash, parse_torrent

MAX_TORRENT = 32 * 1024 * 1024
"""Bytes of the largest .torrent, as large as the largest envelope; libtorrent's own limit is 10 MB."""

# set_ssl_certificate_buffer fails without Diffie-Hellman parameters. Elliptic curves are negotiated, these are not
# used; they are group ffdhe2048 of RFC 7919, appendix A.1.
_DH_PARAMETERS = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


@dataclass(frozen=True, slots=True)
class TorrentParams:
    """A torrent, ready to be added.

    Attributes:
        info_hash: as the other rooms write it.
        params: libtorrent's parameters; the torrent starts paused, so that its certificate can be set first.
        certificate: our certificate, its key and the DH parameters, each PEM; None in a plain swarm.
        total: bytes that are wanted.
        pieces: how many pieces the torrent has.
        unwanted_pieces: the numbers of those that hold nothing wanted.
        executables: files whose attributes ask for an executable bit.
    """

    info_hash: InfoHash
    params: lt.add_torrent_params
    certificate: tuple[str, str, str] | None = field(repr=False)
    total: int
    pieces: int
    unwanted_pieces: frozenset[int]
    executables: tuple[Path, ...]


def check_spec(assignment: TorrentSpec) -> InfoHash:
    """Judge what an engine would be given, by the very steps that it takes itself; only the time is left aside.

    What may be right tomorrow, with the clock set right, is no fault of whoever sent it. Blocking.

    Returns:
        Under which info-hash the engine would have it.

    Raises:
        BadInput: no engine would ever take it.
    """
    return prepare(assignment, None).info_hash


def prepare(assignment: TorrentSpec, now: datetime | None) -> TorrentParams:
    """Check an assignment and write libtorrent's parameters; reads no payload.

    Args:
        assignment: what to do.
        now: the time, with a zone, against which certificates are checked; None leaves the time aside.

    Raises:
        BadInput: the torrent cannot be parsed or not be fetched in part, or credentials are missing, superfluous or
            damaged.
        Refused: our certificate is not valid now.
    """
    params = _parse(assignment.torrent)
    info = params.ti
    assert info is not None
    if info.ssl_cert():
        raise BadInput("The torrent brings a certificate authority of its own")
    if assignment.resume_data is not None:
        _restore(params, assignment.resume_data)
    params.save_path = str(assignment.save_path)
    params.renamed_files = _lone_file_in_folder(info, assignment.torrent)
    _close_side_doors(params, assignment)
    params.flags = _flags(assignment)
    selection = select(info, assignment.unwanted)
    params.file_priorities = list(selection.priorities)
    if assignment.complete:
        # Not seed_mode: with it every piece is hashed again when it is first asked for.
        params.have_pieces = [True] * info.num_pieces()
    return TorrentParams(
        info_hash=hash_of(info.info_hashes()),
        params=params,
        certificate=_certify(params, assignment, now),
        total=selection.total,
        pieces=info.num_pieces(),
        unwanted_pieces=selection.unwanted_pieces,
        executables=_executables(info, params.renamed_files, assignment.save_path),
    )


def tracker_entries(tiers: Sequence[Sequence[str]]) -> list[lt.announce_entry]:
    """Write tracker URLs in tiers (BEP 12) for a torrent that is running."""
    entries = []
    for number, tier in enumerate(tiers):
        for url in tier:
            entry = lt.announce_entry(url)
            entry.tier = number
            entries.append(entry)
    return entries


def _parse(torrent: bytes) -> lt.add_torrent_params:
    try:
        limits = {"max_buffer_size": MAX_TORRENT}
        # The stub takes the limits for the other kind of dictionary.
        params: lt.add_torrent_params = lt.load_torrent_buffer(torrent, limits)  # type: ignore[call-overload]
    except RuntimeError:
        raise BadInput("This is not a torrent that can be shared", hint="The file may be damaged.") from None
    return params


def _close_side_doors(params: lt.add_torrent_params, assignment: TorrentSpec) -> None:
    """Leave no host to contact but those of the assignment."""
    tiers = assignment.announce
    params.trackers = [url for tier in tiers for url in tier]
    params.tracker_tiers = [number for number, tier in enumerate(tiers) for _ in tier]
    params.url_seeds = []
    params.http_seeds = []
    params.dht_nodes = []
    addresses, _ = split_contacts(assignment.contacts)
    params.peers = [(address.host, address.port) for address in (*addresses, *_received(assignment))]


def _received(assignment: TorrentSpec) -> tuple[Endpoint, ...]:
    """Return those received addresses that may be called now; all are looked at again after the start."""
    try:
        return judge_addresses(assignment.received, LocalMachine()).good
    except OSError:
        return ()


def _flags(assignment: TorrentSpec) -> int:
    flags = lt.torrent_flags
    private = flags.disable_dht | flags.disable_lsd | flags.disable_pex
    chosen = (
        flags.paused | flags.update_subscribe | flags.duplicate_is_error | flags.apply_ip_filter | private
    )
    if assignment.complete:
        # The payload is the person's own: upload_mode sees to it that nothing is ever written to it, not even if a
        # check finds it changed and some peer could "repair" it.
        chosen |= flags.no_verify_files | flags.upload_mode
    return chosen


def _certify(
    params: lt.add_torrent_params, assignment: TorrentSpec, now: datetime | None
) -> tuple[str, str, str] | None:
    credentials = assignment.credentials
    if assignment.transport == "plain":
        if credentials is not None:
            raise BadInput("A plain swarm takes no certificates")
        return None
    if credentials is None:
        raise BadInput("A TLS swarm needs a ticket", hint="Open the envelope that the sender made for you.")
    check_credentials(credentials, now)
    params.root_certificate = _pem("CERTIFICATE", credentials.root_certificate)
    return _own_certificate(credentials)


def _own_certificate(credentials: Credentials) -> tuple[str, str, str]:
    certificate = _pem("CERTIFICATE", credentials.leaf_certificate)
    return certificate, _pem("PRIVATE KEY", credentials.leaf_key), _DH_PARAMETERS


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{encodebytes(der).decode()}-----END {label}-----\n"


def _restore(params: lt.add_torrent_params, resume_data: bytes) -> None:
    """Take over what was downloaded and counted, and nothing else: not names, paths, peers or trackers.

    What cannot be read, or speaks of pieces that the torrent does not have, is worth nothing: the files are read again.
    """
    try:
        saved = lt.read_resume_data(resume_data)
    except (RuntimeError, ValueError, TypeError):
        return
    info = params.ti
    assert info is not None
    pieces = info.num_pieces()
    if saved.info_hashes != params.info_hashes:
        return
    if any(not 0 <= piece < pieces for piece in saved.unfinished_pieces):
        return
    params.have_pieces = saved.have_pieces[:pieces]  # it comes in whole bytes
    params.unfinished_pieces = saved.unfinished_pieces
    params.total_uploaded = saved.total_uploaded
    params.total_downloaded = saved.total_downloaded
    params.added_time = saved.added_time
    params.completed_time = saved.completed_time


def _lone_file_in_folder(info: lt.torrent_info, data: bytes) -> dict[int, str]:
    """Put the one file of a v2 folder back into its folder: libtorrent takes its name for that of the torrent."""
    path = info.layout().file_path(0)
    if "/" in path:
        return {}
    torrent = parse_torrent(data)
    return {0: f"{torrent.name}/{path}"} if torrent.is_folder else {}


def _executables(info: lt.torrent_info, renamed: dict[int, str], save_path: Path) -> tuple[Path, ...]:
    layout = info.layout()
    wanted = int(lt.file_flags_t.flag_executable)
    return tuple(
        save_path / renamed.get(index, layout.file_path(index))
        for index in range(layout.num_files())
        if layout.file_flags(index) & wanted
    )
