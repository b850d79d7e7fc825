"""``tuishare create``: a torrent, its envelope, and keys for recipients without one."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuishare.cli.engine_runner import listen_address
from tuishare.cli.offline_home import Home, open_home, require_output
from tuishare.cli.terminal import metered, say
from tuishare.config.model import Transport
from tuishare.core.clock import wall_clock
from tuishare.core.own_addresses import find_contacts, listen_port
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.share_sealing import create_share_authority, new_secret, new_share_id, salt_of, seal_share
from tuishare.envelope import Announce, seal_raw
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.fs.atomic import envelope_name, publish, require_text
from tuishare.people import User, format_key, generate_key
from tuishare.torrents import Tree, announce_fault, make_torrent, parse_torrent, walk


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """What to create.

    Attributes:
        users: names and ``@groups``; unknown users get a new key.
        key: for the only unknown user, instead of a new one.
        piece_length: bytes, or None for the default.
        raw: write the raw form, which has no sender and no tickets.
        output: folder for both files; None: beside the payload.
        replace: whether existing files may be replaced.
    """

    payload: Path
    trackers: tuple[str, ...]
    users: tuple[str, ...]
    key: bytes | None
    piece_length: int | None
    transport: Transport
    raw: bool
    output: Path | None
    replace: bool


@dataclass(frozen=True, slots=True)
class Outputs:
    """The paths of the two files."""

    torrent: Path
    envelope: Path


def create(options: CreateOptions) -> None:
    """Create both files, print ``USER-ID<tab>KEY`` for each new key, and explain the next step.

    The share is recorded first, so that `seed` finds its credentials.

    Raises:
        TuishareError: it failed; nothing was left behind.
    """
    home = open_home()
    _check_trackers(options.trackers)
    users, keys = _find_users(options, home)
    tree = walk(options.payload)
    require_text(tree.root)
    folder = options.output if options.output is not None else tree.root.parent
    place = folder / envelope_name(tree.name)
    outputs = Outputs(place.with_suffix(""), place)
    _require_writable(folder, outputs, replace=options.replace)
    share_id = new_share_id()
    torrent = _hash(tree, options, salt_of(share_id))
    with _recorded(home, options, share_id, tree, torrent) as share:
        envelope = _encrypt(options, home, share, users)
        with _published(outputs, torrent, envelope, replace=options.replace):
            for name, key in keys:
                print(f"{name}\t{format_key(key)}", flush=True)
    say(str(outputs.torrent))
    say(str(outputs.envelope))
    if keys:
        say("Send each user the envelope and, over another channel, the key; it is not shown again.")


def _check_trackers(urls: Sequence[str]) -> None:
    """Check before hashing; the trackers of a TLS torrent are not part of the torrent and its checks."""
    for number, url in enumerate(urls, 1):
        if fault := announce_fault(url):
            # The URL itself may hold a passkey.
            which = "The tracker URL" if len(urls) == 1 else f"Tracker URL {number}"
            raise BadInput(f"{which} {fault}", hint="For example https://tracker.example.org/announce")


def _find_users(options: CreateOptions, home: Home) -> tuple[list[User], tuple[tuple[str, bytes], ...]]:
    """Look users up in the book; make a key for each unknown one."""
    known: list[User] = []
    unknown: list[str] = []
    for name in options.users or (f"guest-{secrets.token_hex(3)}",):
        try:
            known += home.book.resolve([name])
        except NotFound:
            if name.startswith("@"):
                raise
            unknown.append(name)
    if options.key is not None and len(unknown) != 1:
        raise BadInput(
            f"A key was given, but {len(unknown)} users are without one",
            hint="Use a key with exactly one --user that is not in your user book.",
        )
    made = [User(name, key=options.key or generate_key()) for name in dict.fromkeys(unknown)]
    users = list({user.name: user for user in (*known, *made)}.values())
    if options.raw and (len(users) != 1 or users[0].key is None):
        raise BadInput(
            "The raw form has one key", hint="Name one --user without a card, or use the default format."
        )
    new = (
        ()
        if options.key is not None
        else tuple((user.name, user.key) for user in made if user.key is not None)
    )
    return users, new


def _require_writable(folder: Path, outputs: Outputs, *, replace: bool) -> None:
    """Check the destination before hashing, which may take minutes."""
    require_output(folder)
    for path in (outputs.torrent, outputs.envelope):
        if os.path.lexists(path) and not replace:
            raise Refused(
                f"{path} exists already", hint="Use --force to replace it, or choose another --output."
            )


def _hash(tree: Tree, options: CreateOptions, salt: bytes) -> bytes:
    for skipped in tree.skipped:
        say(f"Left out {'/'.join(skipped.parts)!r}: {skipped.reason}")
    with metered("Hashing") as meter:
        return make_torrent(
            tree,
            version=2 if options.transport == "tls" else 1,
            piece_length=options.piece_length,
            # TLS torrents have their trackers in the signed envelope; plain ones must show them to any client.
            announce=[[url] for url in options.trackers] if options.transport == "plain" else (),
            progress=meter,
            created=int(time.time()),
            salt=salt,
        )


@contextlib.contextmanager
def _recorded(
    home: Home, options: CreateOptions, share_id: str, tree: Tree, torrent: bytes
) -> Iterator[ShareRecord]:
    """Record the share; undo that if the block fails."""
    now = wall_clock()
    share = create_share_authority(
        ShareRecord(
            id=share_id,
            path=str(tree.root),
            name=tree.name,
            announce=options.trackers,
            recipients=options.users,
            transport=options.transport,
            added=int(now.timestamp()),
            secret=new_secret(),
            step=ShareStep.MANUAL,
            size=tree.total_size,
            files=len(tree.files),
            info_hash=parse_torrent(torrent).info_hash,
            torrent=torrent,
            contacts=_find_contacts(options, home),
        ),
        now,
    )
    with home.database() as database:
        database.save(share)
        try:
            yield share
        except BaseException:
            database.delete_share(share.id)
            raise


def _find_contacts(options: CreateOptions, home: Home) -> tuple[str, ...]:
    """Return the addresses at which recipients look for this home; the raw form has none."""
    network = home.config.network
    port = listen_port(listen_address(network, options.transport))
    # Port 0, any free one: unknown until `seed` prints it.
    return find_contacts(network, port) if port and not options.raw else ()


def _encrypt(options: CreateOptions, home: Home, share: ShareRecord, users: Sequence[User]) -> bytes:
    if options.raw:
        (user,) = users
        assert user.key is not None  # checked when the users were found
        return seal_raw(share.torrent, user.key)
    sealed = seal_share(
        share,
        users,
        home.identity,
        contacts=share.contacts,
        announce=[Announce(url=url, pin=None) for url in options.trackers],
        now=wall_clock(),
    )
    return sealed.envelope


@contextlib.contextmanager
def _published(outputs: Outputs, torrent: bytes, envelope: bytes, *, replace: bool) -> Iterator[None]:
    """Write both files, or neither; remove them if the block fails, because without their keys they are useless."""
    written: list[Path] = []
    try:
        for path, data in ((outputs.torrent, torrent), (outputs.envelope, envelope)):
            publish(path, data, mode=0o644, replace=replace, secret=False)
            written.append(path)
        yield
    except FileExistsError as error:
        _remove(written)
        raise Refused(f"{error.filename2 or error.filename} appeared meanwhile", hint="Try again.") from error
    except BaseException:
        _remove(written)
        raise


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
