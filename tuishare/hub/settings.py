"""The settings of a hub, and where it keeps things.

Owns the types and defaults of ``hub.toml``, and the paths in the folder of a hub. Must not write the file: its operator
owns it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from tuishare.config.toml_errors import explain, name_place
from tuishare.config.units import parse_size
from tuishare.errors import BadConfiguration, BadInput, NotFound
from tuishare.fs.atomic import make_private, publish, read_limited, require_text
from tuishare.net.endpoints import Endpoint, parse_endpoint, parse_listen_address

FOLDER_VARIABLE: Final = "TUISHARE_HUB"
_MOST_SETTINGS: Final = 64 * 1024
_MOST: Final = 10**9


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; an unknown key is an error, not a silent default."""


class MailboxSettings(_Section, frozen=True):
    """``[mailbox]``: limits of each mailbox.

    Attributes:
        size: of its parcels together, such as ``64MiB``.
        parcels: how many.
        days: after which a parcel that was not taken is deleted.
    """

    size: str = "64MiB"
    parcels: int = 1_000
    days: int = 30


class SenderSettings(_Section, frozen=True):
    """``[sender]``: what is taken from one address (IPv4, or /64 of IPv6) in a day."""

    size: str = "256MiB"
    parcels: int = 2_000


class ReachSettings(_Section, frozen=True):
    """``[reach]``: ports at which members behind routers are reachable.

    Attributes:
        ports: ``FIRST-LAST``, three for each member; empty: none are lent.
        listen: ``[HOST]:PORT`` where members fetch their callers.
        callers: connections to one member at a time.
        per_address: connections from one address (IPv4, or /64 of IPv6) at a time.
        rate: bytes a second of each member, both directions together, such as ``10MiB``; ``0``: no limit.
        day: bytes of each member in a day, likewise.
    """

    ports: str = "21000-23999"
    listen: str = ":50013"
    callers: int = 512
    per_address: int = 128
    rate: str = "0"
    day: str = "200GiB"

    @property
    def port_range(self) -> range:
        """`ports`, parsed."""
        return _parse_ports(self.ports)

    @property
    def listen_endpoint(self) -> Endpoint:
        """`listen`, parsed."""
        return _parse_listen(self.listen)


class TotalSettings(_Section, frozen=True):
    """``[total]``: limits of all mailboxes together.

    Attributes:
        size: of all parcels.
        members: how many members there may be.
        callers: connections to all members at a time.
        reserve: space on the disk that parcels leave free.
    """

    size: str = "8GiB"
    members: int = 1_000
    callers: int = 4_000
    reserve: str = "256MiB"


class HubSettings(_Section, frozen=True):
    """All settings of a hub.

    Attributes:
        address: ``HOST:PORT`` at which members and senders reach it; goes into enrolment strings.
        listen: ``[HOST]:PORT``.
    """

    address: str
    listen: str = ":50012"
    mailbox: MailboxSettings = MailboxSettings()
    sender: SenderSettings = SenderSettings()
    reach: ReachSettings = ReachSettings()
    total: TotalSettings = TotalSettings()

    @property
    def listen_endpoint(self) -> Endpoint:
        """`listen`, parsed."""
        return _parse_listen(self.listen)


@dataclass(frozen=True, slots=True)
class HubPlaces:
    """The folder of a hub, and what is in it."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        """Its settings, written once by ``tuishare hub init``."""
        return self.folder / "hub.toml"

    @property
    def key_file(self) -> Path:
        """Its host key, mode 0600."""
        return self.folder / "hub.key"

    @property
    def lock_file(self) -> Path:
        """Locked by the one hub of this folder."""
        return self.folder / "hub.lock"

    @property
    def socket(self) -> Path:
        """Where its operator's commands reach it."""
        return self.folder / "hub.sock"


def find_hub(environment: Mapping[str, str] | None = None) -> HubPlaces:
    """Return the places of the hub of this user, from the environment; nothing is created.

    Raises:
        BadInput: the path is not UTF-8.
    """
    environment = os.environ if environment is None else environment
    given = environment.get(FOLDER_VARIABLE)
    folder = (
        Path(os.path.expanduser(given)).absolute() if given else platformdirs.user_data_path("tuishare-hub")
    )
    require_text(folder)
    return HubPlaces(folder)


def write_settings(places: HubPlaces, address: str, template: str) -> None:
    """Make the folder of a hub, and its settings.

    Args:
        places: of the hub.
        address: ``HOST:PORT``; with another port than the template's, the hub listens on that one.
        template: text with the lines ``address = …`` and ``listen = …``.

    Raises:
        BadInput: the address is none.
        BadConfiguration: there are settings already.
        SystemFailed: they cannot be written.
    """
    endpoint = parse_endpoint(address)
    lines = [
        f'address = "{endpoint}"'
        if line.startswith("address =")
        else f'listen = ":{endpoint.port}"'
        if line.startswith("listen =")
        else line
        for line in template.splitlines()
    ]
    make_private(places.folder)
    try:
        publish(places.settings_file, "\n".join([*lines, ""]).encode(), replace=False)
    except FileExistsError:
        raise BadConfiguration(
            f"There is a hub already: {places.settings_file} exists", hint="Edit that file, or remove it."
        ) from None


def load_settings(places: HubPlaces) -> HubSettings:
    """Read the settings.

    Raises:
        BadConfiguration: there are none, or with line, key and what was expected.
    """
    path = places.settings_file
    text = ""
    try:
        text = read_limited(path, _MOST_SETTINGS).decode()
        settings = msgspec.convert(tomllib.loads(text), HubSettings)
    except NotFound:
        raise BadConfiguration(
            f"There is no hub in {places.folder}", hint="Make one: tuishare hub init HOST:PORT"
        ) from None
    except UnicodeDecodeError as error:
        raise BadConfiguration(f"{path}: it is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"{path}: {error}") from error
    except msgspec.ValidationError as error:
        raise BadConfiguration(f"{path}: {explain(error, text, HubSettings)}") from error
    for place, given, read in _texts(settings):
        try:
            read(given)
        except BadInput as error:
            raise BadConfiguration(
                f"{path}: {name_place(place, text)}{error.detail}", hint=error.hint
            ) from error
    for place, number in _numbers(settings):
        if not 1 <= number <= _MOST:
            raise BadConfiguration(
                f"{path}: {name_place(place, text)}expected 1 to {_MOST:,}, not {number:,}"
            )
    return settings


def _parse_listen(text: str) -> Endpoint:
    endpoint = parse_listen_address(text)
    return replace(endpoint, host=endpoint.host or "::")


def _parse_ports(text: str) -> range:
    """Parse ``FIRST-LAST``; raises `BadInput`."""
    first, _, last = (part.strip() for part in text.partition("-"))
    if not text:
        return range(0)
    if not (first + last).isascii() or not (first.isdigit() and last.isdigit()):
        raise BadInput(f"{text[:40]!r} is no range of ports", hint="Write it like 21000-23999.")
    if not 1024 <= int(first) <= int(last) - 2 <= 65_533:
        raise BadInput(
            f"{text[:40]!r} is no range of ports from 1024 to 65535, with three at least",
            hint="Write it like 21000-23999.",
        )
    return range(int(first), int(last) + 1)


def _texts(settings: HubSettings) -> Iterator[tuple[str, str, Callable[[str], object]]]:
    yield "address", settings.address, parse_endpoint
    yield "listen", settings.listen, _parse_listen
    yield "mailbox.size", settings.mailbox.size, parse_size
    yield "sender.size", settings.sender.size, parse_size
    yield "reach.ports", settings.reach.ports, _parse_ports
    yield "reach.listen", settings.reach.listen, _parse_listen
    yield "reach.rate", settings.reach.rate, parse_size
    yield "reach.day", settings.reach.day, parse_size
    yield "total.size", settings.total.size, parse_size
    yield "total.reserve", settings.total.reserve, parse_size


def _numbers(settings: HubSettings) -> Iterator[tuple[str, int]]:
    yield "mailbox.parcels", settings.mailbox.parcels
    yield "mailbox.days", settings.mailbox.days
    yield "sender.parcels", settings.sender.parcels
    yield "reach.callers", settings.reach.callers
    yield "reach.per_address", settings.reach.per_address
    yield "total.members", settings.total.members
    yield "total.callers", settings.total.callers
