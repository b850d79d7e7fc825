"""What each tab lists: its entries, and how they are identified, sorted, searched and copied.

Owns one listing per tab; draws nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from tuishare.api.messages import Activity, Download, Introduction, Problem, Share, Snapshot
from tuishare.presentation.row_models import (
    AgentFolder,
    EventRow,
    Group,
    Person,
    list_events,
    list_folders,
    list_people,
)
from tuishare.presentation.states import describe_introduction, name_download_state, name_share_state
from tuishare.presentation.transfers import name_sender
from tuishare.tui.cells import Column
from tuishare.tui.people_columns import (
    EVENT_COLUMNS,
    FOLDER_COLUMNS,
    PERSON_COLUMNS,
    event_kind,
    event_subject,
    event_time,
    person_name,
    person_trust,
)
from tuishare.tui.share_columns import DOWNLOAD_COLUMNS, SHARE_COLUMNS

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Listing(Generic[E]):
    """One tab's entries.

    Attributes:
        name: stable name of the tab.
        columns: of its table.
        pick: takes the entries out of a snapshot.
        key: identifies an entry as long as it exists.
        order: sort key of the default order.
        words: text that the filter searches.
        copied: text that is copied for an entry.
    """

    name: str
    columns: tuple[Column[E], ...]
    pick: Callable[[Snapshot], Iterable[E]]
    key: Callable[[E], str]
    order: Callable[[E], Any]
    words: Callable[[E], str]
    copied: Callable[[E], str]


def _person_words(person: Person) -> str:
    if isinstance(person, Group):
        return " ".join((person_name(person), *(user.name for user in person.members)))
    if isinstance(person, Introduction):
        return " ".join((person.name, person.fingerprint, describe_introduction(person)))
    return " ".join(
        (person.name, person.fingerprint, person_trust(person).text, *(f"@{g}" for g in person.groups))
    )


def _person_key(person: Person) -> str:
    return f"?{person.id}" if isinstance(person, Introduction) else person_name(person)


def _person_order(person: Person) -> tuple[bool, bool, str]:
    return not isinstance(person, Introduction), isinstance(person, Group), person.name.casefold()


def _folder_words(folder: AgentFolder) -> str:
    return " ".join((folder.role, folder.path, *(folder.drop.users if folder.drop else ())))


def _event_key(event: EventRow) -> str:
    return f"!{event.id}" if isinstance(event, Problem) else str(event.id)


def _event_order(event: EventRow) -> tuple[bool, int, int]:
    problem = isinstance(event, Problem)
    return not problem, -event_time(event), -event.id if isinstance(event, Activity) else 0


SHARES: Final[Listing[Share]] = Listing(
    "shares",
    SHARE_COLUMNS,
    lambda snapshot: snapshot.shares,
    lambda share: share.id,
    lambda share: (-share.added, share.id),
    lambda share: " ".join((share.name, *share.recipients, name_share_state(share.state))),
    lambda share: share.path,
)
DOWNLOADS: Final[Listing[Download]] = Listing(
    "downloads",
    DOWNLOAD_COLUMNS,
    lambda snapshot: snapshot.downloads,
    lambda download: download.id,
    lambda download: (-download.added, download.id),
    lambda download: f"{download.name} {name_sender(download)} {name_download_state(download.state)}",
    lambda download: download.path,
)
PEOPLE: Final[Listing[Person]] = Listing(
    "people",
    PERSON_COLUMNS,
    list_people,
    _person_key,
    _person_order,
    _person_words,
    lambda person: person_name(person) if isinstance(person, Group) else person.words or person.name,
)
FOLDERS: Final[Listing[AgentFolder]] = Listing(
    "folders",
    FOLDER_COLUMNS,
    list_folders,
    lambda folder: f"{folder.role}:{folder.path}",
    lambda folder: (folder.drop is None, folder.path),
    _folder_words,
    lambda folder: folder.path,
)
ACTIVITY: Final[Listing[EventRow]] = Listing(
    "activity",
    EVENT_COLUMNS,
    list_events,
    _event_key,
    _event_order,
    lambda event: f"{event_kind(event).text} {event_subject(event)} {event.detail}",
    lambda event: f"{event_subject(event)}: {event.detail}",
)
