"""Decides which torrents we accept from others (threats T1 and T4). The one validator for every way in.

Owns the rules, no exceptions to them: there is no switch that turns one off. Each refusal is one sentence in which
hostile text is made visible. What is accepted, libtorrent uses unchanged: same names, no other sources, nothing but
plain files.

Decisions: executable files (`attr` x) are refused rather than stripped, because libtorrent sets mode 0755 as it
creates the file and our own torrents never carry it. Padding files are refused as well: their bytes are counted and
named but never written, and v2 needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, assert_never

from tuishare.errors import BadInput, Refused
from tuishare.sanitize import for_display
from tuishare.torrents.announce_url import announce_fault
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

Transport: TypeAlias = Literal["tls", "plain"]

IsAllowed: TypeAlias = Callable[[str], bool]
"""Says whether a tracker URL may be contacted."""

_OURS = frozenset(
    {"announce", "announce-list", "comment", "created by", "creation date", "info", "piece layers"}
)
_OURS_INFO = frozenset({"file tree", "meta version", "name", "piece length", "private", "salt"})
"""All that a torrent for a TLS swarm may hold; those are made by tuishare only."""

_ACTING = frozenset({"collections", "root hash", "similar", "ssl-cert", "update-url"})
"""Keys that make libtorrent link to other torrents (BEP 38), fetch updates (BEP 39), change the CA of the swarm or
read the payload differently (BEP 30)."""


def accept(
    data: bytes,
    *,
    transport: Transport,
    limits: TorrentLimits = DEFAULT_LIMITS,
    announce_allowed: IsAllowed | None = None,
) -> Torrent:
    """Read a torrent that somebody sent and make sure that it is harmless.

    Args:
        data: the .torrent.
        transport: the kind of swarm it is for. A TLS swarm takes v2 only and brings its trackers in the manifest.
        limits: bounds; lower ones may come from the configuration.
        announce_allowed: judges each tracker of a plain torrent; None allows none.

    Raises:
        TooLarge: it is over a bound of its form.
        Refused: it is no torrent or breaks a rule; the sentence says which.
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
        raise _refused("A TLS swarm takes v2 torrents only, and this one is for older clients")
    if torrent.announce:
        raise _refused("The torrent names a tracker of its own, which a TLS swarm does not take")
    _forbid((torrent.fields - _OURS) | (torrent.info_fields - _OURS_INFO))
    if "salt" in torrent.info_fields and len(torrent.salt) != SALT_BYTES:
        raise _refused("The torrent has a salt of another length than ours")


def _require_known_trackers(torrent: Torrent, allowed: IsAllowed | None) -> None:
    for url in (url for tier in torrent.announce for url in tier):
        if fault := announce_fault(url):
            raise _refused(f"A tracker URL of the torrent {fault}")
        if allowed is None or not allowed(url):
            raise _refused("The torrent names a tracker that is not configured here")


def _require_closed(torrent: Torrent) -> None:
    """Refuse everything that would contact, or link to, something besides the swarm."""
    if not torrent.private:
        raise _refused("The torrent is not marked private, so its peers would be looked for in public")
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
        raise _refused(f"The torrent holds more than {limits.max_total_size} bytes")
    if torrent.total_size == 0:
        raise _refused("The torrent holds nothing")


def _require_plain_file(file: TorrentFile) -> None:
    shown = for_display("/".join(file.parts))
    if file.is_link:
        raise _refused(f"“{shown}” in the torrent is a symbolic link")
    if "x" in file.attr:
        raise _refused(f"“{shown}” in the torrent is marked executable")
    if "p" in file.attr:
        raise _refused(f"“{shown}” in the torrent is padding that would never be written")
    if file.attr.strip("h"):
        raise _refused(f"“{shown}” in the torrent has attributes that are not known")
