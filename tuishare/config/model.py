"""The settings in `config.toml`: typed, strict, read only.

Owns their types and defaults. Must not write the file (the user owns it) nor know who the users are.
"""

from __future__ import annotations

import getpass
import math
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from tuishare.config.schedule import BandwidthLimits
from tuishare.config.toml_errors import explain, name_place
from tuishare.config.units import parse_size
from tuishare.config.web_settings import WebSettings, check_network
from tuishare.errors import BadConfiguration, BadInput
from tuishare.fs.atomic import read_limited
from tuishare.home_paths import Places
from tuishare.net.proxy_settings import Proxy, parse_proxy
from tuishare.net.ssh_place import SshPlace, check_fingerprint, parse_ssh_place

MAX_SIZE = 1024 * 1024
"""Maximum size of `config.toml` in bytes."""
_CORRECT_THE_FILE: Final = "Correct the file; `tuishare config check` tests it."
"""The end of every hint about an error in that file."""
Transport: TypeAlias = Literal["tls", "plain"]
"""The kind of a swarm: for ticket holders only, or for any BitTorrent client."""


class BadSettings(BadConfiguration):
    """The settings file is not usable.

    Attributes:
        advice: what the value should be, or empty; the hint without the request to correct the file.
    """

    def __init__(self, detail: str, *, advice: str) -> None:
        super().__init__(detail, hint=f"{advice} {_CORRECT_THE_FILE}".lstrip())
        self.advice = advice


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; an unknown key is an error, not a silent default."""


class NetworkSettings(_Section, frozen=True):
    """``[network]``: addresses are ``[HOST]:PORT``.

    Attributes:
        port_mapping: ask the router for a port mapping, by UPnP or NAT-PMP.
        reach: how others reach this machine behind a router: ``hub``, by the one that it has joined; ``off``; or by an
            SSH server, ``ssh://USER@HOST[:PORT]``, see `tuishare.net.ssh_place`.
        reach_port: first of three ports at that SSH server; 0: the numbers of our own ports.
        reach_host_key: fingerprint of the server's Ed25519 host key, ``SHA256:…``; empty: none is accepted.
        proxy: used for all peers and trackers, see `tuishare.net.proxy_settings`; empty: none.
    """

    listen: str = ":50007"
    listen_plain: str = ""
    public_host: str = ""
    share_addresses: bool = True
    force_mse: bool = False
    port_mapping: bool = False
    reach: str = "hub"
    reach_port: int = 0
    reach_host_key: str = ""
    proxy: str = ""

    @property
    def outgoing_proxy(self) -> Proxy | None:
        """`proxy` in parts, or None."""
        return parse_proxy(self.proxy) if self.proxy else None

    @property
    def reach_by_hub(self) -> bool:
        """Whether the hub that was joined makes us reachable; never behind a proxy."""
        return self.reach == "hub" and not self.proxy

    @property
    def ssh_reach(self) -> SshPlace | None:
        """The SSH server that makes us reachable, or None; never behind a proxy."""
        return None if self.reach in {"hub", "off"} or self.proxy else parse_ssh_place(self.reach)


class TrackerSettings(_Section, frozen=True):
    """``[tracker]``: addresses are ``[HOST]:PORT``.

    Attributes:
        listen: where our own tracker answers recipients over https; empty: no tracker.
        listen_plain: the same for plain swarms, over http; open only while there are plain swarms.
        trusted_proxies: addresses of proxies whose ``X-Forwarded-For`` is trusted.
        others: announce URLs of additional trackers; ``{passkey}`` stands for the recipient's passkey.
    """

    listen: str = ":50009"
    listen_plain: str = ":50010"
    trusted_proxies: list[str] = []
    others: list[str] = []


class LinkSettings(_Section, frozen=True):
    """``[link]``: how envelopes reach their recipients by themselves; addresses are ``[HOST]:PORT``.

    Attributes:
        enabled: whether links are made at all; never behind a proxy.
        listen: where contacts call this agent; empty: nowhere, it only calls them.
        connections: idle links that are kept; contacts beyond are called in turn.
        keep_outbox: whether an envelope stays in the outbox when links have handed it over to every recipient.
        introduce: groups, without ``@``, whose verified members are introduced to each other as they join.
    """

    enabled: bool = True
    listen: str = ":50011"
    connections: int = 100
    keep_outbox: bool = False
    introduce: list[str] = []


class FolderSettings(_Section, frozen=True):
    """``[folders]``: after `load_config` every path is absolute."""

    inbox: str = ""
    outbox: str = ""
    downloads: str = ""

    @property
    def inbox_path(self) -> Path:
        """Where received envelopes arrive."""
        return Path(self.inbox)

    @property
    def outbox_path(self) -> Path:
        """Where our envelopes are published."""
        return Path(self.outbox)

    @property
    def downloads_path(self) -> Path:
        """Where payloads are delivered."""
        return Path(self.downloads)


class SharingSettings(_Section, frozen=True):
    """``[sharing]``: what is sent.

    Attributes:
        until: how long a share is seeded: ``forever``, or until ``everybody`` among its recipients has it.
    """

    until: Literal["forever", "everybody"] = "forever"


class DownloadSettings(_Section, frozen=True):
    """``[downloads]``: what arrives.

    Attributes:
        reserve: MiB of disk space that downloads leave free.
        seed_days: how many days a delivered download is seeded to the other recipients; 0: not at all.
        seed_ratio: seeding ends earlier at this ratio of uploaded bytes to size; 0: no such limit.
    """

    reserve: int = 1024
    seed_days: float = 7.0
    seed_ratio: float = 0.0

    @property
    def reserve_bytes(self) -> int:
        """`reserve` in bytes."""
        return self.reserve * 1024 * 1024


class InboxSettings(_Section, frozen=True):
    """``[inbox]``: limits on received envelopes.

    Attributes:
        envelopes_per_minute: how many are read that are not signed by a verified user; others wait; 0: no limit.
        quota: total size of one sender's unfinished downloads, such as ``50GiB``; ``0``: no quota.
        waiting_per_sender: how many envelopes of one sender may wait for approval; 0: no limit.
        waiting_size_per_sender: total size of their torrents; ``0``: no limit.
        waiting: how many may wait for approval in all, and as many again for a key or a slot; 0: no limit.
        waiting_size: their total size; ``0``: no limit.
        rejected: how many rejected envelopes are kept; 0: all.
        rejected_size: their total size; ``0``: no limit.
        trackers: allowed for downloads besides the sender's own, as ``HOST`` or ``HOST:PORT``.
    """

    envelopes_per_minute: int = 60
    quota: str = "0"
    waiting_per_sender: int = 25
    waiting_size_per_sender: str = "64MiB"
    waiting: int = 100
    waiting_size: str = "256MiB"
    rejected: int = 200
    rejected_size: str = "256MiB"
    trackers: list[str] = []

    @property
    def quota_bytes(self) -> int:
        """`quota` in bytes."""
        return parse_size(self.quota)

    def sizes(self) -> Iterator[tuple[str, str]]:
        """Yield each size with the name of its key."""
        for key in ("quota", "waiting_size_per_sender", "waiting_size", "rejected_size"):
            yield key, getattr(self, key)


class NotificationSettings(_Section, frozen=True):
    """``[notifications]``.

    Attributes:
        desktop: notify of downloads and of what needs attention, where ``notify-send`` is installed.
        webhook: the address to which the same is posted; https, or http on this machine; empty: none.
        webhook_secret: signs what is posted.
    """

    desktop: bool = True
    webhook: str = ""
    webhook_secret: str = ""


class SettleSettings(_Section, frozen=True):
    """``[settle]``: all in seconds."""

    after_close: float = 0.3
    quiet: float = 2.0
    rescan: float = 60.0


class DropFolder(_Section, frozen=True):
    """One ``[[drop]]``: a watched folder and the users its entries are for."""

    path: str
    users: list[str]
    transport: Transport = "tls"


class Config(_Section, frozen=True):
    """All settings of one home."""

    name: str = ""
    network: NetworkSettings = NetworkSettings()
    tracker: TrackerSettings = TrackerSettings()
    link: LinkSettings = LinkSettings()
    folders: FolderSettings = FolderSettings()
    sharing: SharingSettings = SharingSettings()
    downloads: DownloadSettings = DownloadSettings()
    inbox: InboxSettings = InboxSettings()
    limits: BandwidthLimits = BandwidthLimits()
    notifications: NotificationSettings = NotificationSettings()
    settle: SettleSettings = SettleSettings()
    web: WebSettings = WebSettings()
    drop: list[DropFolder] = []


def load_config(places: Places) -> Config:
    """Read `config.toml`; a missing file means the defaults.

    Returns:
        The settings with every path absolute and the name filled in.

    Raises:
        BadConfiguration: with file, line, key and what was expected.
    """
    if not places.config_file.exists():
        return _resolve(Config(), places)
    return parse_config(_read_text(places.config_file), places)


def parse_config(text: str, places: Places) -> Config:
    """Parse the text of `config.toml`; returns and raises as `load_config`."""
    try:
        config = msgspec.convert(tomllib.loads(text), Config)
    except tomllib.TOMLDecodeError as error:
        raise _bad(places.config_file, str(error)) from error
    except msgspec.ValidationError as error:
        raise _bad(places.config_file, explain(error, text, Config)) from error
    for place, given, read in _texts(config):
        try:
            read(given)
        except BadInput as error:
            raise _bad(places.config_file, f"{name_place(place, text)}{error.detail}", error.hint) from error
    return _resolve(config, places)


def _texts(config: Config) -> Iterator[tuple[str, str, Callable[[str], object]]]:
    """Yield each text that has a grammar: its key, the text, and the parser, which may raise `BadInput`."""
    for network in config.tracker.trusted_proxies:
        yield "tracker.trusted_proxies", network, check_network
    if config.network.proxy:
        yield "network.proxy", config.network.proxy, parse_proxy
    if config.network.reach not in {"hub", "off"}:
        yield "network.reach", config.network.reach, _check_reach
    if config.network.reach_host_key:
        yield "network.reach_host_key", config.network.reach_host_key, check_fingerprint
    if config.notifications.webhook:
        yield "notifications.webhook", config.notifications.webhook, _check_webhook
        yield "notifications.webhook_secret", config.notifications.webhook_secret, _check_secret
    for key, size in config.inbox.sizes():
        yield f"inbox.{key}", size, parse_size
    for place, given, read in config.limits.texts():
        yield f"limits.{place}", given, read
    for place, given, read in config.web.texts():
        yield f"web.{place}", given, read


def _check_reach(text: str) -> None:
    try:
        parse_ssh_place(text)
    except BadInput as error:
        raise BadInput(
            f"{text[:80]!r} is no way to be reached", hint='Write "hub", "off" or "ssh://USER@HOST".'
        ) from error


def _check_webhook(text: str) -> None:
    # The message does not quote it, because it may contain a secret.
    try:
        parts = urlsplit(text)
        is_usable = bool(parts.hostname) and parts.port != 0 and text.isprintable() and " " not in text
    except ValueError:
        is_usable = False
    else:
        is_local = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
        is_usable = is_usable and not parts.fragment and (parts.scheme == "https" or is_local)
    if not is_usable:
        raise BadInput(
            "this is no address of a webhook", hint="Write https://HOST/PATH, or http://localhost:PORT/PATH."
        )


def _check_secret(text: str) -> None:
    if len(text) < 16:
        raise BadInput(
            "a webhook needs a secret of at least 16 characters", hint="Make one: openssl rand -hex 32"
        )


def _read_text(path: Path) -> str:
    try:
        return read_limited(path, MAX_SIZE).decode()
    except UnicodeDecodeError as error:
        raise _bad(path, "it is not UTF-8 text") from error


def _bad(path: Path, reason: str, hint: str = "") -> BadSettings:
    return BadSettings(f"{path}: {reason}", advice=hint)


def _resolve(config: Config, places: Places) -> Config:
    """Fill in defaults that depend on the home, expand ``~``, and check what types cannot express."""
    folders = FolderSettings(
        *(
            _absolute(given or str(places.files / name), places, f"folders.{name}")
            for name, given in (
                ("inbox", config.folders.inbox),
                ("outbox", config.folders.outbox),
                ("downloads", config.folders.downloads),
            )
        )
    )
    drops = [
        msgspec.structs.replace(drop, path=_absolute(drop.path, places, "drop.path")) for drop in config.drop
    ]
    web = msgspec.structs.replace(
        config.web,
        certificate=_absolute_or_empty(config.web.certificate, places, "web.certificate"),
        key=_absolute_or_empty(config.web.key, places, "web.key"),
    )
    resolved = msgspec.structs.replace(
        config, name=config.name or default_name(), folders=folders, drop=drops, web=web
    )
    check_config(resolved, places)
    return resolved


def _absolute(given: str, places: Places, key: str) -> str:
    # Unlike `Path.expanduser`, this leaves the "~" of an unknown user as it is.
    path = Path(os.path.expanduser(given))
    if not path.is_absolute() or "\0" in given:
        raise _bad(places.config_file, f"key {key}: expected an absolute path or one with ~, not {given!r}")
    return str(path)


def _absolute_or_empty(given: str, places: Places, key: str) -> str:
    return _absolute(given, places, key) if given else ""


def check_config(config: Config, places: Places) -> None:
    """Check constraints between settings.

    Raises:
        BadConfiguration: one is violated.
    """
    for drop in config.drop:
        if not drop.users:
            raise _bad(places.config_file, f"drop folder {drop.path}: key users: expected at least one user")
        if drop.transport == "plain" and not config.network.listen_plain:
            raise _bad(
                places.config_file,
                f"drop folder {drop.path}: transport plain needs network.listen_plain",
            )
    if conflict := config.web.find_conflict():
        raise _bad(places.config_file, conflict)
    _check_apart(config, places)
    _check_amounts(config, places)
    for key, seconds in msgspec.structs.asdict(config.settle).items():
        if not 0 < seconds < 86_400:  # also refuses NaN
            raise _bad(
                places.config_file, f"key settle.{key}: expected seconds between 0 and 86400, not {seconds}"
            )


def _check_amounts(config: Config, places: Places) -> None:
    reach_port = config.network.reach_port
    if reach_port and not 1024 <= reach_port <= 65_533:
        raise _bad(
            places.config_file, f"key network.reach_port: expected 0 or 1024 to 65533, not {reach_port}"
        )
    for key, amount in (
        ("downloads.reserve", config.downloads.reserve),
        ("downloads.seed_days", config.downloads.seed_days),
        ("downloads.seed_ratio", config.downloads.seed_ratio),
        ("inbox.envelopes_per_minute", config.inbox.envelopes_per_minute),
        ("inbox.waiting_per_sender", config.inbox.waiting_per_sender),
        ("inbox.waiting", config.inbox.waiting),
        ("inbox.rejected", config.inbox.rejected),
        ("limits.active_downloads", config.limits.active_downloads),
        ("link.connections", config.link.connections),
    ):
        if not 0 <= amount < math.inf:  # also refuses NaN
            raise _bad(places.config_file, f"key {key}: expected 0 or more, not {amount}")


def _check_apart(config: Config, places: Places) -> None:
    """Refuse overlapping folders: files that we write would be shared, or shared twice."""
    folders = [config.folders.inbox, config.folders.outbox, config.folders.downloads]
    folders += [drop.path for drop in config.drop]
    folders += [str(place) for place in (places.config, places.state)]
    # Unlike `Path.resolve`, this does not raise on symlink loops.
    ours = [(Path(os.path.realpath(folder)), folder) for folder in folders]
    for index, (one, name) in enumerate(ours):
        for other, other_name in ours[index + 1 :]:
            if one == other or one in other.parents or other in one.parents:
                raise _bad(places.config_file, f"the folders {name} and {other_name} overlap")


def default_name() -> str:
    """Return the login name, for a card without a configured name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unnamed"
