"""A torrent from a file on the command line, with what is needed to join its swarm.

Owns reading the three forms (torrent, envelope, raw form) and the check whether the sender is trusted. Must not touch a
payload or the network.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tuishare.cli.offline_home import Home
from tuishare.cli.terminal import say, warn
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import SignedEnvelope, Trust, open_received
from tuishare.core.received_addresses import find_refused, read_contacts, rules_for
from tuishare.core.records import TrackerAddress
from tuishare.core.share_sealing import own_credentials, own_trackers
from tuishare.envelope import MAX_SIZE, is_tse1, open_raw, recognise
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.fs.atomic import read_limited
from tuishare.net.addresses import TrackerRules
from tuishare.sanitize import for_display
from tuishare.swarm import Credentials, Endpoint, Transport
from tuishare.torrents import DEFAULT_LIMITS, Torrent, TorrentLimits, accept, canonical_torrent, parse_torrent

_LEAST_RAW: Final = 28
"""Bytes of the raw form around its content: nonce and tag."""


@dataclass(frozen=True, slots=True)
class TorrentSource:
    """A torrent and how to join its swarm.

    Attributes:
        data: the .torrent.
        torrent: the same, parsed.
        transport: the kind of its swarm.
        credentials: for a TLS swarm.
        contacts: addresses at which the sender seeds.
        trackers: to announce to.
        ours: whether this home made it.
        rules: which trackers may be used; None: all, because they were configured here.
        refused: addresses in an envelope that are never used, see `tuishare.core.received_addresses.find_refused`.
    """

    data: bytes = field(repr=False)
    torrent: Torrent
    transport: Transport
    credentials: Credentials | None
    contacts: tuple[Endpoint, ...] = ()
    trackers: tuple[TrackerAddress, ...] = field(default=(), repr=False)
    ours: bool = False
    rules: TrackerRules | None = None
    refused: tuple[str, ...] = ()


def read_torrent_file(path: Path) -> bytes:
    """Read a torrent or an envelope; a symbolic link on the command line is followed.

    Raises:
        NotFound: it does not exist.
        BadInput: it is too large for either.
        SystemFailed: it cannot be read.
    """
    real = Path(os.path.realpath(path))  # `Path.resolve` raises another error for circular links
    if real.is_file() and real.stat().st_size > MAX_SIZE:
        raise BadInput(
            f"{path} is larger than {MAX_SIZE >> 20} MiB, so it is not an envelope",
            hint="Name the .torrent.encrypted file, not the payload.",
        )
    return read_limited(real, MAX_SIZE)


def open_encrypted(data: bytes, home: Home, key: bytes | None) -> TorrentSource:
    """Open an envelope or the raw form with the identity and all keys of a home.

    Args:
        data: the whole file.
        home: with the identity and users to try.
        key: a further key; only this one opens the raw form.

    Raises:
        NotForUs: no key opens it.
        Damaged: it is not intact.
        BadInput: it is an unencrypted torrent.
        Refused: the sender is not trusted, or its torrent is not acceptable.
    """
    if is_tse1(data):
        return _open_envelope(data, home, key)
    _require_encrypted(data)
    if len(data) <= _LEAST_RAW:
        raise BadInput(
            f"This is not an envelope: it has {len(data)} bytes", hint="Check the name of the file."
        )
    if found := recognise(data, len(data)):
        raise BadInput(f"This is not an envelope. {found.detail}", hint=found.hint)
    if key is None:
        raise Refused("This envelope needs a key", hint="Give the key that you received with --key-file.")
    torrent_data = open_raw(data, key)
    torrent = accept(torrent_data, transport="plain", announce_allowed=lambda _url: True)
    return _by_trackers(torrent_data, torrent, home)


def _by_trackers(data: bytes, torrent: Torrent, home: Home) -> TorrentSource:
    """Return the source for a plain torrent from the command line; its peers are found through its trackers."""
    rules, trackers = rules_for(home.config, "plain", (), any_host=True), _trackers(torrent)
    return TorrentSource(
        data,
        torrent,
        "plain",
        None,
        trackers=trackers,
        rules=rules,
        refused=find_refused((), trackers, rules),
    )


def _require_encrypted(data: bytes) -> None:
    """Refuse a bare torrent with an error of its own: `create` makes both files, which are easily confused."""
    try:
        parse_torrent(data)
    except BadInput:
        return
    raise BadInput("This torrent is not encrypted", hint="Name the .torrent.encrypted that belongs to it.")


def open_any(data: bytes, home: Home, key: bytes | None) -> TorrentSource:
    """Like `open_encrypted`, but also accept a bare torrent that was made here or is for a plain swarm.

    Raises:
        BadInput: it is none of these.
        NotFound: it is for a TLS swarm whose credentials are not in this home.
        TuishareError: as `open_encrypted`.
    """
    if is_tse1(data):
        return _open_envelope(data, home, key)
    try:
        torrent = parse_torrent(data)
    except BadInput as error:
        if key is not None:
            return open_encrypted(data, home, key)
        if data.startswith(b"d"):  # bencoded, perhaps by another program
            data = canonical_torrent(data)
            return _join_own(data, parse_torrent(data), home)
        raise BadInput(
            "This is neither a torrent nor an envelope", hint="The raw form needs its --key-file."
        ) from error
    return _join_own(data, torrent, home)


def _join_own(data: bytes, torrent: Torrent, home: Home) -> TorrentSource:
    with home.database() as database:
        share = database.share_by_info_hash(torrent.info_hash)
    if share is None:
        if torrent.version == 2:
            raise NotFound(
                f"The TLS credentials of “{for_display(torrent.name)}” are not in this home",
                hint="Name the .torrent.encrypted instead, or create the share here.",
            )
        return _by_trackers(data, torrent, home)
    trackers = own_trackers(share, share.announce) or _trackers(torrent)
    contacts = read_contacts(share.contacts)
    return TorrentSource(
        data, torrent, share.transport, own_credentials(share), contacts, trackers, ours=True
    )


def _open_envelope(data: bytes, home: Home, key: bytes | None) -> TorrentSource:
    received = open_received(
        data, home.identity, home.book, keys=(key,) if key else (), now=wall_clock(), bounds=_require_trust
    )
    manifest = received.manifest
    ours = received.trust is Trust.OURSELVES
    rules = None if ours else rules_for(home.config, manifest.transport, manifest.contacts)
    return TorrentSource(
        manifest.torrent,
        received.torrent,
        manifest.transport,
        received.credentials,
        read_contacts(manifest.contacts),
        received.trackers,
        ours=ours,
        rules=rules,
        refused=find_refused(manifest.contacts, received.trackers, rules) if rules else (),
    )


def _trackers(torrent: Torrent) -> tuple[TrackerAddress, ...]:
    return tuple(TrackerAddress(url, "") for tier in torrent.announce for url in tier)


def _require_trust(signed: SignedEnvelope) -> TorrentLimits:
    """Refuse an envelope unless its signer is known or has the key that was given."""
    match signed.trust:
        case Trust.UNKNOWN:
            raise Refused(
                "The envelope was signed by an unknown user",
                hint="Ask the sender for a card and add it: `tuishare user add`.",
            )
        case Trust.UNVERIFIED | Trust.ADMITTED:
            warn(f"{signed.sender} sealed this envelope, but their fingerprint is not verified")
        case Trust.KEY_ONLY:
            say("The sender has your key.")
        case Trust.VERIFIED:
            say(f"From {signed.sender}.")
        case Trust.OURSELVES:
            say("This is your own share.")
    return DEFAULT_LIMITS  # the user named this file
