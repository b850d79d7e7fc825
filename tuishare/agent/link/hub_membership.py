"""The hub of this agent: where its mailbox is, and by which key contacts put parcels into it.

Owns ``mailbox.json`` and the rule of threat T22: when a contact is no longer one, the write key is replaced, and every
contact who remains is told the new one. Must not connect.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from tuishare.agent.events import ChangeSignal
from tuishare.errors import BadConfiguration, NotFound
from tuishare.fs.atomic import make_private, publish
from tuishare.fs.private_files import read_private
from tuishare.link.address_record import HubAddress
from tuishare.link.mailbox.enrolment import HubPlace
from tuishare.link.statements import Bytes16, Bytes32

_FILE_LIMIT: Final = 1 << 20


class Membership(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds.

    Attributes:
        address: ``host:port`` of the hub.
        host_key: of the hub.
        mailbox: id of ours.
        write_key: by which contacts put parcels into it.
        knowing: signers of the contacts who may know the write key.
        untold: of them, who may not know the newest one.
        lent: ports at which the hub made us reachable last: link, tracker, swarm.
    """

    address: str
    host_key: Bytes32
    mailbox: Bytes16
    write_key: Bytes32
    knowing: tuple[Bytes32, ...] = ()
    untold: tuple[Bytes32, ...] = ()
    lent: tuple[int, int, int] | None = None


class HubMembership:
    """The membership of one agent.

    Attributes:
        changed: is notified when the hub or the write key is another one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._current: Membership | None = None
        self.changed = ChangeSignal()

    def load(self) -> None:
        """Read the file; blocks.

        Raises:
            BadConfiguration: it is damaged or open to others.
        """
        try:
            self._current = msgspec.json.decode(read_private(self._path, _FILE_LIMIT), type=Membership)
        except NotFound:
            self._current = None
        except msgspec.MsgspecError as error:
            raise BadConfiguration(
                f"{self._path} is damaged",
                hint="Remove it, and join the hub again: tuishare hub join STRING.",
            ) from error

    @property
    def place(self) -> HubPlace | None:
        """Which hub; None without one."""
        current = self._current
        return HubPlace(current.address, current.host_key) if current is not None else None

    @property
    def hub_address(self) -> HubAddress | None:
        """What our address record says; None without a hub."""
        current = self._current
        if current is None:
            return None
        return HubAddress(current.address, current.host_key, current.mailbox, current.write_key)

    @property
    def lent(self) -> tuple[int, int, int] | None:
        """The ports at which the hub made us reachable last: link, tracker, swarm; None without any."""
        return self._current.lent if self._current is not None else None

    @property
    def untold(self) -> tuple[bytes, ...]:
        """Contacts who may not know the newest write key."""
        return self._current.untold if self._current is not None else ()

    def join(self, place: HubPlace, mailbox: bytes, write_key: bytes, contacts: Collection[bytes]) -> None:
        """Be a member from now on; blocks.

        Raises:
            SystemFailed: the file cannot be written.
        """
        everyone = tuple(sorted(contacts))
        self._save(Membership(place.address, place.host_key, mailbox, write_key, everyone, everyone))
        self.changed.notify()

    def take_contacts(self, contacts: Collection[bytes]) -> None:
        """Replace the write key if a contact who may know it is none any longer; blocks.

        Raises:
            SystemFailed: the file cannot be written; the former key stays, and this is to be called again.
        """
        current = self._current
        if current is None or set(current.knowing) == set(contacts):
            return
        everyone = tuple(sorted(contacts))
        if set(current.knowing) <= set(contacts):
            # A further one may have been a contact before, and know a former key.
            further = (each for each in everyone if each not in current.knowing)
            self._save(msgspec.structs.replace(current, knowing=everyone, untold=(*current.untold, *further)))
            return
        write_key = secrets.token_bytes(32)
        self._save(msgspec.structs.replace(current, write_key=write_key, knowing=everyone, untold=everyone))
        self.changed.notify()

    def note_told(self, contact: bytes, write_key: bytes) -> None:
        """Note that a contact has been told a write key; blocks.

        Raises:
            SystemFailed: the file cannot be written.
        """
        current = self._current
        if current is not None and current.write_key == write_key and contact in current.untold:
            left = tuple(each for each in current.untold if each != contact)
            self._save(msgspec.structs.replace(current, untold=left))

    def note_lent(self, place: HubPlace, ports: tuple[int, int, int] | None) -> None:
        """Note at which ports a hub makes us reachable; blocks.

        Raises:
            SystemFailed: the file cannot be written.
        """
        current = self._current
        if current is not None and place == self.place and current.lent != ports:
            self._save(msgspec.structs.replace(current, lent=ports))

    def _save(self, membership: Membership) -> None:
        make_private(self._path.parent)
        publish(self._path, msgspec.json.encode(membership))
        self._current = membership
