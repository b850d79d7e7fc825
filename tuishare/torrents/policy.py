"""The policy for received torrents (threats T1 and T4), the same for every source, and for announce URLs.

Owns the rules; no setting disables one. Each refusal is one sentence that is safe to display. libtorrent uses an
accepted torrent unchanged: same names, no other sources, plain files only.

Executable files (`attr` x) are refused rather than stripped, because libtorrent creates them with mode 0755 and our
own torrents have none. Padding files are refused as well: their bytes are counted but never written, and v2 needs
none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never
from urllib.parse import urlsplit

from tuishare.config.model import Transport
from tuishare.errors import BadInput, Refused
from tuishare.sanitize import for_display, is_unseen
from tuishare.torrents.content import TorrentFile
from tuishare.torrents.path_rules import tree_fault
from tuishare.torrents.torrent import Torrent, parse_torrent
from tuishare.torrents.torrent_limits import (
    DEFAULT_LIMITS,
    MAX_PIECE_LENGTH,
    MIN_PIECE_LENGTH,
    SALT_BYTES,
    TorrentLimits,
)

IsAllowed: TypeAlias = Callable[[str], bool]
"""Returns whether a tracker URL may be contacted."""

_SCHEMES = frozenset({"udp", "http", "https"})
_MAX_URL = 2_048

_OURS = frozenset(
    {"announce", "announce-list", "comment", "created by", "creation date", "info", "piece layers"}
)
_OURS_INFO = frozenset({"file tree", "meta version", "name", "piece length", "private", "salt"})
"""The fields allowed in a torrent for a TLS swarm, which only tuishare makes."""

_ACTING = frozenset({"collections", "root hash", "similar", "ssl-cert", "update-url"})
"""Fields that make libtorrent link to other torrents (BEP 38), fetch updates (BEP 39), change the CA of the swarm or
interpret the payload differently (BEP 30)."""


def accept(
    data: bytes,
    *,
    transport: Transport,
    limits: TorrentLimits = DEFAULT_LIMITS,
    announce_allowed: IsAllowed | None = None,
) -> Torrent:
    """Parse a received torrent and apply the policy.

    Args:
        data: the .torrent.
        transport: of its swarm. A TLS swarm needs v2, and has its trackers in the manifest.
        limits: may be lower than the default.
        announce_allowed: checks each tracker of a plain torrent; None allows none.

    Raises:
        TooLarge: it exceeds a limit.
        Refused: it is not a torrent or violates a rule; the message names the rule.
    """
    try:
        torrent = parse_torrent(data, limits)
    except BadInput as error:
        raise Refused(error.detail, hint=error.hint) from error
    _require_closed(torrent)
    match transport:
        case "tls":
            _require_ours(torrent)
        case "plain":
            _require_known_trackers(torrent, announce_allowed)
        case _:
            assert_never(transport)
    _require_bounds(torrent, limits)
    for file in torrent.files:
        _require_plain_file(file)
    if fault := tree_fault(torrent.name, (file.parts for file in torrent.files), limits):
        raise _refused(fault)
    return torrent


def _refused(detail: str) -> Refused:
    return Refused(detail, hint="Nothing was downloaded. Ask the sender how the torrent was made.")


def _require_ours(torrent: Torrent) -> None:
    if torrent.version != 2 or torrent.is_hybrid:
        raise _refused("The torrent is not v2, which a TLS swarm requires")
    if torrent.announce:
        raise _refused("The torrent names a tracker, which is not allowed in a TLS swarm")
    _forbid((torrent.fields - _OURS) | (torrent.info_fields - _OURS_INFO))
    if "salt" in torrent.info_fields and len(torrent.salt) != SALT_BYTES:
        raise _refused(f"The salt of the torrent has not {SALT_BYTES} bytes")


def _require_known_trackers(torrent: Torrent, allowed: IsAllowed | None) -> None:
    for url in (url for tier in torrent.announce for url in tier):
        if fault := announce_fault(url):
            raise _refused(f"A tracker URL of the torrent {fault}")
        if allowed is None or not allowed(url):
            raise _refused("The torrent names a tracker that is not configured here")


def _require_closed(torrent: Torrent) -> None:
    """Refuse everything that leads to contacts outside the swarm."""
    if not torrent.private:
        raise _refused("The torrent is not marked private, so clients would search for peers in public")
    if torrent.web_seeds:
        raise _refused("The torrent names web seeds, which would be contacted outside the swarm")
    if "nodes" in torrent.fields:
        raise _refused("The torrent names DHT nodes, which would be contacted outside the swarm")
    _forbid((torrent.fields | torrent.info_fields) & _ACTING)


def _forbid(fields: frozenset[str]) -> None:
    if fields:
        raise _refused(f"The torrent has the field “{for_display(min(fields))}”, which is not accepted")


def _require_bounds(torrent: Torrent, limits: TorrentLimits) -> None:
    if (
        not MIN_PIECE_LENGTH <= torrent.piece_length <= MAX_PIECE_LENGTH
        or torrent.piece_length.bit_count() != 1
    ):
        raise _refused(f"The torrent has pieces of {torrent.piece_length} bytes, which is not accepted")
    if torrent.total_size > limits.max_total_size:
        raise _refused(f"The torrent has more than {limits.max_total_size} bytes of payload")
    if torrent.total_size == 0:
        raise _refused("The torrent is empty")


def _require_plain_file(file: TorrentFile) -> None:
    shown = for_display("/".join(file.parts))
    if file.is_link:
        raise _refused(f"“{shown}” in the torrent is a symbolic link")
    if "x" in file.attr:
        raise _refused(f"“{shown}” in the torrent is marked executable")
    if "p" in file.attr:
        raise _refused(f"“{shown}” in the torrent is padding that would never be written")
    if file.attr.strip("h"):
        raise _refused(f"“{shown}” in the torrent has unknown attributes")


def announce_fault(url: str) -> str | None:
    """Return why `url` is not an announce URL, as a clause such as ``names no host``; None if it is one.

    The clause does not quote the URL, which may contain a passkey.
    """
    if len(url) > _MAX_URL:
        return f"is longer than {_MAX_URL} characters"
    if any(character.isspace() or is_unseen(character) for character in url):
        return "contains a space or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is malformed"
    if parts.scheme not in _SCHEMES:
        return "does not begin with udp://, http:// or https://"
    if not parts.hostname:
        return "names no host"
    if port == 0 or (port is None and parts.scheme == "udp"):
        return "names no port"
    return None
