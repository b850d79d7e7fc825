"""``tuishare download``: open an envelope without an agent and download its payload.

Unfinished data is in a private folder beside the destination, so that the same command resumes an interrupted
download; the destination appears only when everything is verified and on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuishare.cli.engine_runner import (
    open_tracker_proxies,
    run_until_interrupted,
    running_engine,
    show,
    tracker_warnings,
)
from tuishare.cli.offline_home import Home, open_home, require_output
from tuishare.cli.seed import watch_seeding
from tuishare.cli.terminal import ProgressPrinter, metered, say, warn
from tuishare.cli.torrent_source import TorrentSource, open_encrypted, read_torrent_file
from tuishare.config.model import NetworkSettings
from tuishare.config.units import format_size
from tuishare.core.received_addresses import describe_refused
from tuishare.core.tracker_proxy import TrackerProxies
from tuishare.errors import NotFound, Refused, SystemFailed, TuishareError, from_os_error
from tuishare.fs.atomic import make_private, move_into_place, publish, read_limited, require_text
from tuishare.fs.fsync import fsync_tree
from tuishare.sanitize import for_display
from tuishare.swarm import (
    Completed,
    ContactRefused,
    Endpoint,
    Engine,
    Failed,
    FalseData,
    Progressed,
    Subscription,
    TorrentSpec,
    TrackerFailed,
    choose_names,
    parse_endpoint,
)
from tuishare.torrents import AS_IN_TORRENT, InfoHash, LocalNames

ALONE_SECONDS = 20.0
"""Time without any peer after which a warning is printed."""
_RENAMED_SHOWN = 5
_RESUME_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """What to download.

    Attributes:
        user: whose key in the user book is used if none is given.
        peers: further contacts.
        stay: continue seeding afterwards.
    """

    envelope: Path
    user: str
    key: bytes | None
    output: Path
    listen: str | None
    peers: tuple[str, ...]
    stay: bool


@dataclass(frozen=True, slots=True)
class Transfer:
    """One running download.

    Attributes:
        source: what is downloaded.
        peers: given on the command line, allowed at any address.
        output: folder for the payload.
        tiers: announce URLs.
        names: that the payload and its files get there.
    """

    source: TorrentSource
    peers: tuple[Endpoint, ...]
    output: Path
    tiers: tuple[tuple[str, ...], ...] = ()
    names: LocalNames = AS_IN_TORRENT

    @property
    def contacts(self) -> tuple[Endpoint, ...]:
        """The addresses to connect to first."""
        return (*self.peers, *self.source.contacts)

    @property
    def target(self) -> Path:
        """The destination of the payload."""
        return self.output / (self.names.name or self.source.torrent.name)

    @property
    def staging(self) -> Path:
        """The private folder, on the file system of the target, so that delivery is a rename."""
        return self.output / f".tuishare-{self.source.torrent.info_hash[:16]}"

    @property
    def payload(self) -> Path:
        """The payload during the download."""
        return self.staging / "payload" / self.target.name

    def downloading(self, resume_data: bytes | None) -> TorrentSpec:
        """The engine's task until the download is complete."""
        return replace(self.seeding(), save_path=self.payload.parent, complete=False, resume_data=resume_data)

    def seeding(self) -> TorrentSpec:
        """The engine's task afterwards."""
        source = self.source
        return TorrentSpec(
            source.data,
            self.output,
            source.transport,
            source.credentials,
            contacts=self.peers,
            received=source.contacts,
            announce=self.tiers,
            complete=True,
            names=self.names,
        )


def download(options: DownloadOptions) -> None:
    """Download and deliver.

    Raises:
        TuishareError: it failed; nothing was left behind, except the data of a download that can be resumed.
        KeyboardInterrupt: Ctrl-C; the same command resumes it.
    """
    home = open_home()
    peers = tuple(map(parse_endpoint, options.peers))
    source = open_encrypted(
        read_torrent_file(options.envelope), home, options.key or _key_of(options.user, home)
    )
    _make_output(options.output)
    require_text(options.output)
    transfer = Transfer(source, peers, options.output, names=choose_names(source.torrent, options.output))
    if os.path.lexists(transfer.target):
        raise Refused(
            f"{for_display(str(transfer.target))} exists already",
            hint="Move it away, or choose another --output.",
        )
    if source.refused:
        warn(describe_refused(source.refused))
    _report_names(transfer)
    run_until_interrupted(_download(transfer, options, home.config.network))


def _report_names(transfer: Transfer) -> None:
    names = transfer.names
    renamed = [*([(transfer.source.torrent.name, names.name)] if names.name else []), *names.files.items()]
    for name, here in renamed[:_RENAMED_SHOWN]:
        warn(f"This disk does not take the name “{for_display(name)}”: it becomes “{for_display(here)}”")
    if len(renamed) > _RENAMED_SHOWN:
        warn(f"{len(renamed) - _RENAMED_SHOWN:,} more files get other names")


def _make_output(folder: Path) -> None:
    """Make the folder for the payload if it is missing; what is something else is left to `require_output`."""
    if not os.path.lexists(folder):
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise from_os_error(error, f"make the folder {for_display(str(folder))}") from error
    require_output(folder)


def _key_of(user: str, home: Home) -> bytes | None:
    try:
        return home.book.find(user).key
    except NotFound:
        return None


async def _download(transfer: Transfer, options: DownloadOptions, network: NetworkSettings) -> None:
    transport = transfer.source.transport
    async with (
        open_tracker_proxies(network) as proxies,
        running_engine(network, transport, options.listen, any_port=True) as engine,
    ):
        transfer = replace(
            transfer, tiers=await proxies.tiers(transfer.source.trackers, transfer.source.rules)
        )
        proxies.hold_back(transfer.source.trackers, InfoHash(transfer.source.torrent.info_hash))
        with _held(transfer.staging):
            with engine.subscribe() as events:
                await _fetch(engine, events, transfer, proxies)
            await _deliver(engine, transfer, proxies)
        print(transfer.target, flush=True)
        if options.stay:
            with engine.subscribe() as events:
                await engine.add(transfer.seeding())
                say("Seeding; press Ctrl-C to stop.")
                await watch_seeding(engine, events, tracker_warnings(proxies))


async def _fetch(engine: Engine, events: Subscription, transfer: Transfer, proxies: TrackerProxies) -> None:
    """Download into the private folder, using the data that it already holds."""
    make_private(transfer.payload.parent)
    resume = transfer.staging / "resume"
    info_hash = await engine.add(
        transfer.downloading(read_limited(resume, _RESUME_LIMIT) if resume.exists() else None)
    )
    try:
        with metered("Downloading") as meter, warning_when_alone(engine, info_hash, transfer.contacts):
            await _until_complete(events, meter, tracker_warnings(proxies))
    except BaseException as error:
        # Also on Ctrl-C, so that the same command resumes here. Without resume data it would check all data again.
        with contextlib.suppress(TuishareError):
            await engine.pause(info_hash)
            publish(resume, await engine.save_resume(info_hash))
        if isinstance(error, asyncio.CancelledError):
            say("Interrupted. Downloaded data is kept: run the same command again to continue.")
        raise


@contextlib.contextmanager
def _held(staging: Path) -> Iterator[None]:
    """Lock the private folder during the block: two processes writing to it would damage each other's pieces.

    The lock is on the folder itself; the kernel releases it with the process.
    """
    _prepare_staging(staging)
    try:
        descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(error, f"open {staging}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused(
            "Another command downloads the same torrent into this folder",
            hint="Wait for it, or choose another --output.",
        ) from error
    finally:
        os.close(descriptor)


def _prepare_staging(staging: Path) -> None:
    """Make the private folder, or check that an existing one belongs to this user (threat T13).

    Other recipients can guess its name, and in a folder such as /tmp another user could have made a link of that name.
    """
    make_private(staging)
    status = staging.lstat()
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not ours or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused(f"{staging} is not a private folder of yours", hint="Remove it and try again.")


@contextlib.contextmanager
def warning_when_alone(
    engine: Engine, info_hash: InfoHash, contacts: Sequence[Endpoint], seconds: float = ALONE_SECONDS
) -> Iterator[None]:
    """Warn once, during the block, if no peer has connected within `seconds`: the address may be wrong."""

    async def watch() -> None:
        await asyncio.sleep(seconds)
        while engine.progress(info_hash).state == "checking":  # noqa: ASYNC110 — no peer is contacted during the check
            await asyncio.sleep(seconds)
        if engine.progress(info_hash).peers == 0:
            where = ", ".join(map(str, contacts)) or "any address"
            warn(f"no peer has answered at {where} so far. Still trying; --peer HOST:PORT adds another one.")

    warning = asyncio.create_task(watch())
    try:
        yield
    finally:
        warning.cancel()


async def _until_complete(
    events: Subscription, meter: ProgressPrinter, warn_of_tracker: Callable[[TrackerFailed], None]
) -> None:
    async for event in events:
        match event:
            case Progressed(_, progress):
                show(meter, progress)
            case Completed():
                return
            case Failed(_, reason, errno):
                raise SystemFailed(
                    f"The download stopped: {for_display(reason)}",
                    hint="Run the same command again to continue.",
                    errno=errno,
                )
            case ContactRefused(_, contact, reason):
                warn(f"{contact} is not used: its address {reason}")
            case FalseData():
                warn(
                    "received data does not match its hashes. Still trying; "
                    "ask the sender whether the file was changed or a disk is failing."
                )
            case TrackerFailed():
                warn_of_tracker(event)
            case _:
                pass
    raise SystemFailed("The engine stopped")


async def _deliver(engine: Engine, transfer: Transfer, proxies: TrackerProxies) -> None:
    torrent = transfer.source.torrent
    info_hash = InfoHash(torrent.info_hash)
    await engine.flush(info_hash)
    proxies.confirm(transfer.source.trackers, info_hash)
    await engine.remove(info_hash)
    await asyncio.to_thread(_move, transfer)
    say(f"Received {for_display(torrent.name)}, {format_size(torrent.total_size)}, verified.")


def _move(transfer: Transfer) -> None:
    source, target = transfer.payload, transfer.target
    try:
        fsync_tree(source)
        move_into_place(source, target)
    except FileExistsError as error:
        raise Refused(f"{target} appeared meanwhile", hint=f"The download is in {source}.") from error
    except OSError as error:
        raise from_os_error(error, f"write {target}") from error
    shutil.rmtree(transfer.staging, ignore_errors=True)
