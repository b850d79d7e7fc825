"""``tuishare seed``: seed one payload until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tuishare.cli.engine_runner import (
    open_tracker_proxies,
    run_until_interrupted,
    running_engine,
    show,
    tracker_warnings,
)
from tuishare.cli.offline_home import open_home
from tuishare.cli.terminal import metered, say, warn
from tuishare.cli.torrent_source import TorrentSource, open_any, read_torrent_file
from tuishare.config.model import NetworkSettings
from tuishare.config.units import format_size
from tuishare.core.received_addresses import describe_refused
from tuishare.errors import VerificationFailed
from tuishare.fs.atomic import require_text
from tuishare.sanitize import for_display
from tuishare.swarm import Engine, Failed, Progressed, Subscription, TorrentSpec, TrackerFailed
from tuishare.torrents import is_payload_of, parse_torrent, walk


def seed(payload: Path, torrent: Path, *, listen: str | None, key: bytes | None) -> None:
    """Seed until interrupted.

    Raises:
        VerificationFailed: the payload does not match the torrent.
        KeyboardInterrupt: Ctrl-C, the usual end.
    """
    home = open_home()
    source = open_any(read_torrent_file(torrent), home, key)
    if source.refused:
        warn(describe_refused(source.refused))
    folder = verify_payload(payload, source.data)
    run_until_interrupted(_seed(source, folder, home.config.network, listen))


def verify_payload(payload: Path, data: bytes) -> Path:
    """Check a payload against a torrent by hashing all of it; it is never written to.

    Args:
        payload: the file or folder.
        data: the .torrent, of any program.

    Returns:
        The folder that holds it.

    Raises:
        VerificationFailed: it does not match.
        BadInput: its path is not UTF-8.
    """
    tree = walk(payload)
    require_text(tree.root)
    name = parse_torrent(data).name
    shown = for_display(name)
    if tree.name != name:
        raise VerificationFailed(
            f"The torrent is for “{shown}”, not for “{for_display(tree.name)}”",
            hint=f"Rename it to “{shown}”.",
        )
    with metered("Checking") as meter:
        same = is_payload_of(data, tree, progress=meter)
    if not same:
        raise VerificationFailed(
            f"“{shown}” does not match the torrent", hint="It has changed: create a new torrent."
        )
    return tree.root.parent


async def _seed(source: TorrentSource, folder: Path, network: NetworkSettings, listen: str | None) -> None:
    async with (
        open_tracker_proxies(network) as proxies,
        running_engine(network, source.transport, listen) as engine,
    ):
        with engine.subscribe() as events:
            await engine.add(
                TorrentSpec(
                    source.data,
                    folder,
                    source.transport,
                    source.credentials,
                    announce=await proxies.tiers(source.trackers, source.rules),
                    complete=True,
                )
            )
            port = engine.listening.get(source.transport)
            where = f"on port {port}" if port else "behind the proxy"
            say(
                f"Seeding {for_display(source.torrent.name)} {where} ({source.transport}); press Ctrl-C to stop."
            )
            if port:
                _warn_of_port(source, port)
            await watch_seeding(engine, events, tracker_warnings(proxies))


def _warn_of_port(source: TorrentSource, port: int) -> None:
    """Warn if recipients look for this home at another port and no tracker gives them this one."""
    named = [contact.port for contact in source.contacts]
    if source.ours and named and port not in named and not source.trackers:
        warn(
            f"recipients look for you on port {named[-1]}, not on {port}: they can use --peer HOST:{port}, "
            f"or you can seed with --listen :{named[-1]}"
        )


async def watch_seeding(
    engine: Engine, events: Subscription, warn_of_tracker: Callable[[TrackerFailed], None]
) -> None:
    """Show the progress of seeding until cancelled, then how much was sent.

    Args:
        engine: that seeds.
        events: of the engine.
        warn_of_tracker: called for each failed announce, see `tuishare.cli.engine_runner.tracker_warnings`.

    Raises:
        VerificationFailed: the payload is missing or cannot be read.
    """
    try:
        with metered("Seeding") as meter:
            async for event in events:
                match event:
                    case Progressed(_, progress):
                        show(meter, progress)
                    case Failed(_, reason):
                        raise VerificationFailed(f"Seeding failed: {for_display(reason)}")
                    case TrackerFailed():
                        warn_of_tracker(event)
                    case _:
                        pass
    finally:
        sent = sum(progress.uploaded for progress in engine.all_progress().values())
        say(f"Stopped. Sent about {format_size(sent)}.")  # the engine counts once a second
