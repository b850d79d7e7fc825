"""The person's settings, `config.toml`: typed, strict, read only.

Owns the shape and the defaults. Must not write the file (the person owns it) nor know who the users are.
"""

from __future__ import annotations

import getpass
import os
import re
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from tuishare.errors import BadConfiguration
from tuishare.paths import Places, read_limited

MAX_SIZE = 1024 * 1024
Transport = Literal["tls", "plain"]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; a key that we do not know is an error, not a silent default."""


class Network(_Section, frozen=True):
    """``[network]``: addresses are ``[HOST]:PORT``."""

    listen: str = ":50007"
    listen_plain: str = ""
    public_host: str = ""
    share_addresses: bool = True
    force_mse: bool = False


class Folders(_Section, frozen=True):
    """``[folders]``: after `load_config` every path is absolute."""

    inbox: str = ""
    outbox: str = ""
    downloads: str = ""

    @property
    def inbox_path(self) -> Path:
        """Where envelopes come in."""
        return Path(self.inbox)

    @property
    def outbox_path(self) -> Path:
        """Where envelopes go out."""
        return Path(self.outbox)

    @property
    def downloads_path(self) -> Path:
        """Where payloads land."""
        return Path(self.downloads)


class Downloads(_Section, frozen=True):
    """``[downloads]``: what arrives.

    Attributes:
        reserve: MiB of disk space that downloads leave free.
        seed_days: how many days a delivered download is served to the other recipients; 0: not at all.
    """

    reserve: int = 1024
    seed_days: float = 7.0

    @property
    def reserve_bytes(self) -> int:
        """`reserve` in bytes."""
        return self.reserve * 1024 * 1024


class Settle(_Section, frozen=True):
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
    network: Network = Network()
    folders: Folders = Folders()
    downloads: Downloads = Downloads()
    settle: Settle = Settle()
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
    """Read what stands in `config.toml`, or is to stand there; returns and raises as `load_config`."""
    try:
        config = msgspec.convert(tomllib.loads(text), Config)
    except tomllib.TOMLDecodeError as error:
        raise _bad(places.config_file, str(error)) from error
    except msgspec.ValidationError as error:
        raise _bad(places.config_file, _explain(error, text)) from error
    return _resolve(config, places)


def _read_text(path: Path) -> str:
    try:
        return read_limited(path, MAX_SIZE).decode()
    except UnicodeDecodeError as error:
        raise _bad(path, "it is not UTF-8 text") from error


def _bad(path: Path, reason: str) -> BadConfiguration:
    return BadConfiguration(f"{path}: {reason}", hint="Correct the file; `tuishare config check` tests it.")


def _explain(error: msgspec.ValidationError, text: str) -> str:
    """Say line and key of what msgspec refused; it names the place as ``$.drop[0].users``."""
    reason, _, place = str(error).partition(" - at ")
    keys = re.findall(r"[A-Za-z_]+", place)
    if unknown := re.search(r"unknown field `(.+)`", reason):
        keys.append(unknown[1])
    line = _line_of(keys, text)
    named = f"key {'.'.join(keys)}: " if keys else ""
    return f"{f'line {line}, ' if line else ''}{named}{reason[:1].lower()}{reason[1:]}"


def _line_of(keys: list[str], text: str) -> int | None:
    """Find the first line that sets the last key below the header of its table (or the header itself)."""
    if not keys:
        return None
    *tables, key = keys
    inside = not tables
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            inside = header[1] == ".".join(tables)
            if header[1] == ".".join(keys):
                return number
        elif inside and re.match(rf"\s*{re.escape(key)}\s*=", line):
            return number
    return None


def _resolve(config: Config, places: Places) -> Config:
    """Fill in defaults that depend on the home, expand ``~``, and check what types cannot say."""
    folders = Folders(
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
    resolved = msgspec.structs.replace(
        config, name=config.name or default_name(), folders=folders, drop=drops
    )
    check_config(resolved, places)
    return resolved


def _absolute(given: str, places: Places, key: str) -> str:
    # Unlike `Path`, this leaves the "~" of a user that does not exist as it is.
    path = Path(os.path.expanduser(given))
    if not path.is_absolute() or "\0" in given:
        raise _bad(places.config_file, f"key {key}: expected an absolute path or one with ~, not {given!r}")
    return str(path)


def check_config(config: Config, places: Places) -> None:
    """Check what must hold between settings.

    Raises:
        BadConfiguration: it does not.
    """
    for drop in config.drop:
        if not drop.users:
            raise _bad(places.config_file, f"drop folder {drop.path}: key users: expected at least one user")
        if drop.transport == "plain" and not config.network.listen_plain:
            raise _bad(
                places.config_file,
                f"drop folder {drop.path}: transport plain needs network.listen_plain",
            )
    _check_apart(config, places)
    for key, seconds in msgspec.structs.asdict(config.settle).items():
        if not 0 < seconds < 86_400:  # also refuses NaN
            raise _bad(
                places.config_file, f"key settle.{key}: expected seconds between 0 and 86400, not {seconds}"
            )


def _check_apart(config: Config, places: Places) -> None:
    """No watched folder may lie in another: what we write would be shared, or shared twice."""
    folders = [config.folders.inbox, config.folders.outbox, config.folders.downloads]
    folders += [drop.path for drop in config.drop]
    folders += [str(place) for place in (places.config, places.state)]
    # Unlike `Path.resolve`, this takes links that lead in a circle for what they are worth.
    ours = [(Path(os.path.realpath(folder)), folder) for folder in folders]
    for index, (one, name) in enumerate(ours):
        for other, other_name in ours[index + 1 :]:
            if one == other or one in other.parents or other in one.parents:
                raise _bad(places.config_file, f"the folders {name} and {other_name} overlap")


def default_name() -> str:
    """The login name, for a card whose owner configured none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
