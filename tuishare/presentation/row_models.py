"""Rows that are not messages of the API: groups, folders of the agent, and problems among events.

Owns how they are derived from a snapshot. Pure; names are untrusted text.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tuishare.api.messages import Activity, Folder, FolderState, Introduction, Link, Problem, Snapshot, User
from tuishare.presentation.states import FolderRole


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users.

    Attributes:
        name: without ``@``.
        members: in the order of the user book.
        introduced: new members are introduced to the others by themselves.
    """

    name: str
    members: tuple[User, ...]
    introduced: bool = False


class Contact(User, frozen=True, kw_only=True):
    """A user to whose agent a link leads, or is to lead.

    Attributes:
        link: its state.
    """

    link: Link


Person = User | Group | Introduction
"""A row of the tab People."""


@dataclass(frozen=True, slots=True)
class AgentFolder:
    """A folder that the agent uses.

    Attributes:
        role: what the agent uses it for.
        path: absolute.
        drop: its state and recipients; None for the agent's other folders.
        free: bytes free on its disk; None where unknown.
    """

    role: FolderRole
    path: str
    drop: Folder | None = None
    free: int | None = None


EventRow = Problem | Activity
"""A row of the tab Activity."""


def list_people(snapshot: Snapshot) -> tuple[Person, ...]:
    """Return the introductions that wait, then the users, then their groups, sorted by name."""
    links = {link.user: link for link in snapshot.links}
    users = tuple(_with_link(user, links.get(user.name)) for user in snapshot.people.users)
    names = sorted({group for user in users for group in user.groups}, key=str.casefold)
    introduced = set(map(str.casefold, snapshot.people.introduced_groups))
    groups = [
        Group(name, tuple(user for user in users if name in user.groups), name.casefold() in introduced)
        for name in names
    ]
    return (*snapshot.people.introductions, *users, *groups)


def _with_link(user: User, link: Link | None) -> User:
    return user if link is None else Contact(**msgspec.structs.asdict(user), link=link)


def list_folders(snapshot: Snapshot) -> tuple[AgentFolder, ...]:
    """Return the drop folders, then the agent's own folders."""
    status = snapshot.status
    own = (
        AgentFolder(FolderRole.INBOX, status.inbox),
        AgentFolder(FolderRole.OUTBOX, status.outbox),
        AgentFolder(FolderRole.DOWNLOADS, status.downloads, free=status.free_bytes),
    )
    drops = tuple(AgentFolder(FolderRole.DROP, folder.path, folder) for folder in status.drop_folders)
    return (*drops, *(folder for folder in own if folder.path))


def list_events(snapshot: Snapshot) -> tuple[EventRow, ...]:
    """Return current problems, then past events."""
    return (*snapshot.status.problems, *snapshot.activity)


def count_missing(snapshot: Snapshot) -> int:
    """Count the drop folders that do not exist."""
    return sum(folder.state is FolderState.MISSING for folder in snapshot.status.drop_folders)
