"""``tuishare download``: open an envelope by hand, download its payload, exit when it is verified and on disk.

What is under way lies in a private folder beside its destination, so that an interrupted download goes on where it
was; the destination's name appears only when everything is there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tuishare.agent.context import wall_clock
from tuishare.agent.reception import Received, Trust, receive
from tuishare.cli.engine import run_until_interrupted, running_engine, show
from tuishare.cli.home import Home, open_home
from tuishare.cli.terminal import Meter, format_size, metered, say, warn
from tuishare.envelope import MAX_SIZE, is_tse1, open_raw
from tuishare.errors import NotFound, Refused, SystemFailed, from_os_error
from tuishare.paths import make_private, move_into_place, publish, read_limited, sync_tree
from tuishare.swarm import (
    Assignment,
    Completed,
    Credentials,
    Endpoint,
    Engine,
    Failed,
    Progressed,
    Subscription,
    TrackerFailed,
    Transport,
    parse_endpoint,
)
from tuishare.text import visible
from tuishare.torrents import InfoHash, Torrent, accept

_RESUME_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What to download.

    Attributes:
        user: as whom; names the key in the user book when none is given.
        peers: further contacts.
        stay: go on seeding afterwards.
    """

    envelope: Path
    user: str
    key: bytes | None
    output: Path
    listen: str | None
    peers: tuple[str, ...]
    stay: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What an envelope offers, whichever form it has."""

    data: bytes
    torrent: Torrent
    transport: Transport
    credentials: Credentials | None
    contacts: tuple[Endpoint, ...]
    announce: tuple[tuple[str, ...], ...]


def download(order: Order) -> None:
    """Download and deliver.

    Raises:
        TuishareError: nothing was left behind, unless a download had begun: that is kept to go on with.
        KeyboardInterrupt: Ctrl-C; the same command goes on later.
    """
    home = open_home()
    offer = open_offer(order, home)
    target = order.output / offer.torrent.name
    if not order.output.is_dir():
        raise NotFound(
            f"The folder {order.output} does not exist", hint="Make it first, or choose another --output."
        )
    if os.path.lexists(target):
        raise Refused(
            f"{visible(str(target))} exists already", hint="Move it away, or choose another --output."
        )
    run_until_interrupted(_download(offer, order, home))


def open_offer(order: Order, home: Home) -> Offer:
    """Open the envelope with our identity, the given key, or the user's key in the book.

    Raises:
        NotForUs: none of them opens it.
        Refused: nobody we trust made it, or its torrent is not one that we take.
    """
    data = read_limited(order.envelope, MAX_SIZE)
    by_hand = tuple(map(parse_endpoint, order.peers))
    key = order.key or _key_of(order.user, home)
    if is_tse1(data):
        received = receive(data, home.identity, home.book, keys=(key,) if key else (), now=wall_clock())
        _require_trust(received)
        contacts = tuple(parse_endpoint(contact) for contact in received.manifest.contacts)
        return Offer(
            received.manifest.torrent,
            received.torrent,
            received.manifest.transport,
            received.credentials,
            by_hand + contacts,
            received.announce,
        )
    if key is None:
        raise Refused("This encrypted torrent needs a key", hint="Give the key that you got with --key-file.")
    torrent_data = open_raw(data, key)
    # Whoever has the key made it, and its trackers are all there is to find peers by.
    torrent = accept(torrent_data, transport="plain", announce_allowed=lambda _url: True)
    return Offer(torrent_data, torrent, "plain", None, by_hand, torrent.announce)


def _key_of(user: str, home: Home) -> bytes | None:
    try:
        return home.book.find(user).key
    except NotFound:
        return None


def _require_trust(received: Received) -> None:
    """Act on it only when its signer is trusted: known, or in possession of the key that was given by hand."""
    match received.trust:
        case Trust.UNKNOWN:
            raise Refused(
                "It was signed by nobody you know",
                hint="Ask the sender for a card and add it: `tuishare user add`.",
            )
        case Trust.UNVERIFIED:
            warn(f"{received.sender} made this, but nobody has compared fingerprints yet")
        case Trust.KEY_ONLY:
            say("It was made by somebody who has your key.")
        case Trust.VERIFIED:
            say(f"From {received.sender}.")
        case Trust.OURSELVES:
            say("This is a share of your own.")


async def _download(offer: Offer, order: Order, home: Home) -> None:
    staging = order.output / f".tuishare-{offer.torrent.info_hash[:16]}"
    default = home.config.network.listen
    async with running_engine(offer.transport, order.listen, default) as engine:
        with engine.subscribe() as events:
            await _fetch(engine, events, offer, staging)
        target = await _deliver(engine, offer, order.output, staging)
        print(target, flush=True)
        if order.stay:
            await _stay(engine, offer, order.output)


async def _fetch(engine: Engine, events: Subscription, offer: Offer, staging: Path) -> None:
    """Download into the private folder; what is there already is used."""
    make_private(staging)
    resume = staging / "resume"
    info_hash = await engine.add(
        _assignment(
            offer,
            _payload(staging),
            resume_data=read_limited(resume, _RESUME_LIMIT) if resume.exists() else None,
        )
    )
    try:
        with metered("Downloading") as meter:
            await _until_complete(events, meter)
    except BaseException:
        # Also on Ctrl-C: the same command shall go on from here.
        publish(resume, await engine.save_resume(info_hash))
        raise


def _payload(staging: Path) -> Path:
    folder = staging / "payload"
    make_private(folder)
    return folder


async def _until_complete(events: Subscription, meter: Meter) -> None:
    async for event in events:
        match event:
            case Progressed(_, progress):
                show(meter, progress)
            case Completed():
                return
            case Failed(_, reason):
                raise SystemFailed(
                    f"The download stopped: {reason}", hint="Run the same command again to go on."
                )
            case TrackerFailed(_, url, reason):
                warn(f"the tracker {url} failed: {visible(reason)}")
            case _:
                pass
    raise SystemFailed("The engine stopped")


async def _deliver(engine: Engine, offer: Offer, output: Path, staging: Path) -> Path:
    info_hash = InfoHash(offer.torrent.info_hash)
    await engine.flush(info_hash)
    await engine.remove(info_hash)
    target = output / offer.torrent.name
    await asyncio.to_thread(_move, staging, target)
    say(f"Received {visible(offer.torrent.name)}, {format_size(offer.torrent.total_size)}, verified.")
    return target


def _move(staging: Path, target: Path) -> None:
    source = staging / "payload" / target.name
    try:
        sync_tree(source)
        move_into_place(source, target)
    except FileExistsError as error:
        raise Refused(f"{target} appeared meanwhile", hint=f"The download is in {source}.") from error
    except OSError as error:
        raise from_os_error(error, f"write {target}") from error
    shutil.rmtree(staging, ignore_errors=True)


async def _stay(engine: Engine, offer: Offer, folder: Path) -> None:
    with engine.subscribe() as events, metered("Seeding") as meter:
        await engine.add(_assignment(offer, folder, complete=True))
        say("Seeding on; Ctrl-C ends it.")
        async for event in events:
            if isinstance(event, Progressed):
                show(meter, event.progress)


def _assignment(
    offer: Offer, folder: Path, *, complete: bool = False, resume_data: bytes | None = None
) -> Assignment:
    return Assignment(
        offer.data,
        folder,
        offer.transport,
        offer.credentials,
        contacts=offer.contacts,
        announce=offer.announce,
        complete=complete,
        resume_data=resume_data,
    )
