"""``tuishare seed``: serve one payload until Ctrl-C."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuishare.agent.context import wall_clock
from tuishare.agent.reception import receive
from tuishare.agent.sealing import own_credentials
from tuishare.cli.engine import run_until_interrupted, running_engine, show
from tuishare.cli.home import Home, open_home
from tuishare.cli.terminal import format_size, metered, say
from tuishare.envelope import MAX_SIZE, is_tse1, open_raw
from tuishare.errors import BadInput, NotFound, VerificationFailed
from tuishare.paths import read_limited
from tuishare.swarm import Assignment, Credentials, Failed, Progressed, Transport
from tuishare.text import visible
from tuishare.torrents import Torrent, make_torrent, parse_torrent, walk

ENCRYPTED_SUFFIX = ".encrypted"


@dataclass(frozen=True, slots=True)
class Source:
    """A torrent that we may seed, and with what."""

    data: bytes
    torrent: Torrent
    transport: Transport
    credentials: Credentials | None
    announce: tuple[tuple[str, ...], ...]


def seed(payload: Path, torrent: Path, *, listen: str | None, key: bytes | None) -> None:
    """Seed until interrupted.

    Raises:
        VerificationFailed: the payload is not what the torrent describes.
        KeyboardInterrupt: Ctrl-C, the usual end.
    """
    home = open_home()
    source = find_source(read_limited(torrent, MAX_SIZE), home, key)
    folder = verify_payload(payload, source.torrent)
    run_until_interrupted(_seed(source, folder, listen, home))


def find_source(data: bytes, home: Home, key: bytes | None) -> Source:
    """Find out from a torrent, an envelope of ours, or the raw form what to seed and with which credentials.

    Raises:
        NotFound: it is a TLS torrent whose credentials are not in this home.
        TuishareError: it cannot be read.
    """
    if is_tse1(data):
        received = receive(data, home.identity, home.book, keys=(key,) if key else (), now=wall_clock())
        manifest = received.manifest
        return Source(
            manifest.torrent, received.torrent, manifest.transport, received.credentials, received.announce
        )
    if not data.startswith(b"d"):
        if key is None:
            raise BadInput(
                "This is neither a torrent nor an envelope", hint="The raw form needs its --key-file."
            )
        data = open_raw(data, key)
    torrent = parse_torrent(data)
    with home.database() as database:
        share = database.share_by_info_hash(torrent.info_hash)
    if share is None and torrent.version == 2:
        raise NotFound(
            f"The TLS credentials of “{visible(torrent.name)}” are not in this home",
            hint="Name the .torrent.encrypted instead, or create the share here.",
        )
    transport: Transport = share.transport if share else "plain"
    return Source(data, torrent, transport, own_credentials(share) if share else None, torrent.announce)


def verify_payload(payload: Path, torrent: Torrent) -> Path:
    """Make sure that a payload is what the torrent describes, by hashing all of it; it is never written to.

    Returns:
        The folder that holds it.

    Raises:
        VerificationFailed: it is not.
    """
    tree = walk(payload)
    shown = visible(torrent.name)
    if tree.name != torrent.name:
        raise VerificationFailed(
            f"The torrent is for “{shown}”, not for “{visible(tree.name)}”", hint=f"Rename it to “{shown}”."
        )
    with metered("Checking") as meter:
        made = make_torrent(
            tree, version=1 if torrent.version == 1 else 2, piece_length=torrent.piece_length, progress=meter
        )
    if parse_torrent(made).info_hash != torrent.info_hash:
        raise VerificationFailed(
            f"“{shown}” is not what the torrent describes", hint="It was changed since; create a new torrent."
        )
    return tree.root.parent


async def _seed(source: Source, folder: Path, listen: str | None, home: Home) -> None:
    default = home.config.network.listen
    async with running_engine(source.transport, listen or default, default) as engine:
        with engine.subscribe() as events, metered("Seeding") as meter:
            await engine.add(
                Assignment(
                    source.data,
                    folder,
                    source.transport,
                    source.credentials,
                    announce=source.announce,
                    complete=True,
                )
            )
            port = engine.listening[source.transport]
            say(
                f"Seeding {visible(source.torrent.name)} on port {port} ({source.transport}); Ctrl-C ends it."
            )
            try:
                async for event in events:
                    match event:
                        case Progressed(_, progress):
                            show(meter, progress)
                        case Failed(_, reason):
                            raise VerificationFailed(f"Seeding failed: {reason}")
                        case _:
                            pass
            finally:
                sent = sum(progress.uploaded for progress in engine.all_progress().values())
                say(f"Sent {format_size(sent)}.")
