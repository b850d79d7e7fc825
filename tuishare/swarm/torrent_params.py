"""libtorrent's parameters for a torrent, built from a `TorrentSpec`.

Owns every decision about them: private, not managed by libtorrent, no contacts that the spec does not name, TLS with
the share's authority. Must not use a session.
"""

from __future__ import annotations

from base64 import encodebytes
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from tuishare.errors import BadInput
from tuishare.net.endpoints import Endpoint
from tuishare.net.local_machine import LocalMachine
from tuishare.swarm.alerts import hash_of
from tuishare.swarm.certificates import Credentials, check_credentials
from tuishare.swarm.dns import judge_addresses, split_contacts
from tuishare.swarm.file_priorities import list_places, select
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.torrent_spec import TorrentSpec
from tuishare.torrents import AS_IN_TORRENT, InfoHash, localize, parse_torrent

MAX_TORRENT = 32 * 1024 * 1024
"""Maximum size of a .torrent in bytes, that of an envelope; libtorrent's default is 10 MB."""

# set_ssl_certificate_buffer fails without Diffie-Hellman parameters. They are not used, because elliptic curves are
# negotiated; this is group ffdhe2048 of RFC 7919, appendix A.1.
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
    """A torrent that is ready to be added.

    Attributes:
        info_hash: as used by the other rooms.
        params: libtorrent's parameters; the torrent starts paused, so that its certificate can be set first.
        certificate: our certificate, its key and the DH parameters, each PEM; None in a plain swarm.
        total: wanted bytes.
        pieces: number of pieces.
        unwanted_pieces: indices of the pieces without wanted data.
        executables: files whose attributes include the executable bit.
    """

    info_hash: InfoHash
    params: lt.add_torrent_params
    certificate: tuple[str, str, str] | None = field(repr=False)
    total: int
    pieces: int
    unwanted_pieces: frozenset[int]
    executables: tuple[Path, ...]


def check_spec(spec: TorrentSpec) -> InfoHash:
    """Validate a spec with the same steps as adding it, except for validity periods; blocking.

    A certificate that is not valid now may be so because of our clock, which is not the sender's fault.

    Returns:
        The info-hash in the engine.

    Raises:
        BadInput: the engine can never add it.
    """
    return prepare(spec, None).info_hash


def prepare(spec: TorrentSpec, now: datetime | None) -> TorrentParams:
    """Validate a spec and build libtorrent's parameters; does not read the payload.

    Args:
        spec: of the torrent.
        now: the time, with a zone; None skips the check of validity periods.

    Raises:
        BadInput: the torrent is malformed or cannot be downloaded in part, or credentials are missing, superfluous or
            damaged.
        Refused: our certificate is not valid now.
    """
    params = _parse(spec.torrent)
    info = params.ti
    assert info is not None
    if info.ssl_cert():
        raise BadInput("The torrent contains a certificate authority")
    if spec.resume_data is not None:
        _restore(params, spec.resume_data)
    params.save_path = str(spec.save_path)
    params.renamed_files = _rename(info, dict(params.renamed_files), spec)
    _restrict_contacts(params, spec)
    params.flags = _flags(spec)
    selection = select(info, spec.unwanted)
    params.file_priorities = list(selection.priorities)
    if spec.complete:
        # Not seed_mode: with it every piece is hashed again on its first request.
        params.have_pieces = [True] * info.num_pieces()
    return TorrentParams(
        info_hash=hash_of(info.info_hashes()),
        params=params,
        certificate=_certify(params, spec, now),
        total=selection.total,
        pieces=info.num_pieces(),
        unwanted_pieces=selection.unwanted_pieces,
        executables=_executables(info, params.renamed_files, spec.save_path),
    )


def _parse(torrent: bytes) -> lt.add_torrent_params:
    try:
        limits = {"max_buffer_size": MAX_TORRENT}
        # The type stub expects another dictionary here.
        params: lt.add_torrent_params = lt.load_torrent_buffer(torrent, limits)  # type: ignore[call-overload]
    except RuntimeError:
        raise BadInput("This is not a torrent that can be shared", hint="The file may be damaged.") from None
    return params


def _restrict_contacts(params: lt.add_torrent_params, spec: TorrentSpec) -> None:
    """Remove all hosts to contact but those of the spec."""
    tiers = spec.announce
    params.trackers = [url for tier in tiers for url in tier]
    params.tracker_tiers = [number for number, tier in enumerate(tiers) for _ in tier]
    params.url_seeds = []
    params.http_seeds = []
    params.dht_nodes = []
    addresses, _ = split_contacts(spec.contacts)
    params.peers = [(address.host, address.port) for address in (*addresses, *_received(spec))]


def _received(spec: TorrentSpec) -> tuple[Endpoint, ...]:
    """Return the received addresses that may be connected to now; all are checked again after the start."""
    try:
        return judge_addresses(spec.received, LocalMachine()).good
    except OSError:
        return ()


def _flags(spec: TorrentSpec) -> int:
    flags = lt.torrent_flags
    private = flags.disable_dht | flags.disable_lsd | flags.disable_pex
    chosen = (
        flags.paused | flags.update_subscribe | flags.duplicate_is_error | flags.apply_ip_filter | private
    )
    if spec.complete:
        # The payload is the user's own: upload_mode ensures that it is never written to, not even if a check finds
        # it changed and a peer could "repair" it.
        chosen |= flags.no_verify_files | flags.upload_mode
    return chosen


def _certify(
    params: lt.add_torrent_params, spec: TorrentSpec, now: datetime | None
) -> tuple[str, str, str] | None:
    credentials = spec.credentials
    if spec.transport == "plain":
        if credentials is not None:
            raise BadInput("A plain swarm does not use certificates")
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
    """Use the pieces and counters of resume data, but not its names, paths, peers or trackers.

    Unreadable data, or data with pieces that the torrent does not have, is ignored: the files are checked again.
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
    params.have_pieces = saved.have_pieces[:pieces]  # padded to whole bytes
    params.unfinished_pieces = saved.unfinished_pieces
    params.total_uploaded = saved.total_uploaded
    params.total_downloaded = saved.total_downloaded
    params.added_time = saved.added_time
    params.completed_time = saved.completed_time


def _rename(info: lt.torrent_info, renamed: dict[int, str], spec: TorrentSpec) -> dict[int, str]:
    """Return the paths of the files for which libtorrent would choose others.

    It removes joiners, truncates names after 240 bytes, and omits the folder of a single file in a v2 torrent. Names
    that differ in case only it numbers, and again when the torrent is added, unless they are given.

    Args:
        info: as libtorrent has read it.
        renamed: what it has numbered.
        spec: of the torrent.
    """
    layout = info.layout()
    chosen = {place: renamed.get(place, layout.file_path(place)) for place in list_places(layout)}
    first = next(iter(chosen.values()), "")
    if spec.names == AS_IN_TORRENT and "/" in first and _paths(spec.torrent) == list(chosen.values()):
        return {}
    torrent = localize(parse_torrent(spec.torrent), spec.names)
    files = [file.parts for file in torrent.files if "p" not in file.attr]
    folder = (torrent.name,) if torrent.is_folder else ()
    wanted = ["/".join((*folder, *parts)) for parts in files]
    return {place: path for (place, known), path in zip(chosen.items(), wanted, strict=True) if path != known}


def _paths(torrent: bytes) -> list[str]:
    """Return the paths of the files in a torrent, in its order; six times faster than parsing it."""
    info: dict[bytes, Any] = cast("Any", lt.bdecode(torrent))[b"info"]
    if b"file tree" not in info:
        listed = (file[b"path"] for file in info.get(b"files", ()) if b"p" not in file.get(b"attr", b""))
        return [b"/".join((info[b"name"], *parts)).decode(errors="replace") for parts in listed]
    found: list[bytes] = []

    def look(folder: dict[bytes, Any], above: bytes) -> None:
        for name, node in folder.items():
            if b"" in node:
                found.append(above + name)
            else:
                look(node, above + name + b"/")

    look(info[b"file tree"], info[b"name"] + b"/")
    return [path.decode(errors="replace") for path in found]


def _executables(info: lt.torrent_info, renamed: dict[int, str], save_path: Path) -> tuple[Path, ...]:
    layout = info.layout()
    wanted = int(lt.file_flags_t.flag_executable)
    return tuple(
        save_path / renamed.get(index, layout.file_path(index))
        for index in range(layout.num_files())
        if layout.file_flags(index) & wanted
    )
