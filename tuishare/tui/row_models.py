"""What the tabs list that is not a message by itself: groups, folders of the agent, problems beside past events.

Owns how these are taken out of a snapshot. Pure; foreign names are still foreign here.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuishare.api.messages import Activity, Folder, FolderState, Problem, Snapshot, User
from tuishare.presentation.states import FolderRole


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users.

    Attributes:
        name: without ``@``.
        members: who is in it, in the order of the user book.
    """

    name: str
    members: tuple[User, ...]


Person = User | Group
"""What the tab of people lists."""


@dataclass(frozen=True, slots=True)
class AgentFolder:
    """A folder that the agent uses.

    Attributes:
        role: what it is for.
        path: absolute.
        drop: how it is watched and its recipients; None where it is not a drop folder.
        free: bytes free there; None where the agent does not say.
    """

    role: FolderRole
    path: str
    drop: Folder | None = None
    free: int | None = None


Event = Problem | Activity
"""What the tab of activity lists."""


def list_people(snapshot: Snapshot) -> tuple[Person, ...]:
    """Return the users, then the groups that they are in, each by its name."""
    users = snapshot.people.users
    names = sorted({group for user in users for group in user.groups}, key=str.casefold)
    return (*users, *(Group(name, tuple(user for user in users if name in user.groups)) for name in names))


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


def list_events(snapshot: Snapshot) -> tuple[Event, ...]:
    """Return present problems, then past events."""
    return (*snapshot.status.problems, *snapshot.activity)


def count_missing(snapshot: Snapshot) -> int:
    """Count the drop folders that do not exist."""
    return sum(folder.state is FolderState.MISSING for folder in snapshot.status.drop_folders)
