"""The columns of the tables of people, folders and activity.

Owns their glyphs and colours, as `tuishare.tui.share_columns` does for shares and downloads. Pure; cells hold untrusted
text, which the table makes safe.
"""

from __future__ import annotations

from typing import Final, assert_never

from tuishare.api.messages import (
    Activity,
    ActivityKind,
    FolderState,
    Introduction,
    Link,
    Problem,
    User,
    UserKind,
)
from tuishare.presentation.formats import NOTHING, format_count, format_moment, format_part, format_size
from tuishare.presentation.links import name_link
from tuishare.presentation.problems import NEEDS_ATTENTION
from tuishare.presentation.row_models import AgentFolder, Contact, EventRow, Group, Person
from tuishare.presentation.states import describe_trust, name_activity, name_folder_state
from tuishare.tui.cell_text import fit
from tuishare.tui.cells import Cell, Column
from tuishare.tui.theme import TextStyle

_NONE: Final = Cell(NOTHING, TextStyle.QUIET)
_FINGERPRINT: Final = 19  # four groups of four, enough to distinguish two cards at a glance

_EVENT_SIGNS: Final = {
    ActivityKind.SHARED: Cell("▲", TextStyle.PLAIN),
    ActivityKind.WITHDRAWN: Cell("○", TextStyle.QUIET),
    ActivityKind.RECEIVED: Cell("▼", TextStyle.GOOD),
    ActivityKind.HANDED_OVER: Cell("▲", TextStyle.QUIET),
    ActivityKind.DELIVERED: Cell("✓", TextStyle.GOOD),
    ActivityKind.REVOKED: Cell("×", TextStyle.WARN),
    ActivityKind.RENEWED: Cell("↻", TextStyle.PLAIN),
    ActivityKind.ROTATED: Cell("↻", TextStyle.PLAIN),
    ActivityKind.JOINED: Cell("✓", TextStyle.GOOD),
    ActivityKind.APPROVAL: Cell("◌", TextStyle.WARN),
    ActivityKind.INTRODUCED: Cell("◌", TextStyle.WARN),
    ActivityKind.REJECTED: Cell("×", TextStyle.BAD),
    ActivityKind.IGNORED: Cell("×", TextStyle.WARN),
    ActivityKind.PROBLEM: Cell("!", TextStyle.BAD),
}


def person_sign(person: Person) -> Cell:
    """Return the glyph of a user's trust."""
    match person:
        case Group():
            return Cell("@", TextStyle.QUIET)
        case Introduction():
            return Cell("?", TextStyle.WARN)
        case User(kind=UserKind.KEY):
            return Cell("◆", TextStyle.PLAIN)
        case User(verified=True):
            return Cell("●", TextStyle.GOOD)
        case User():
            return Cell("◌", TextStyle.WARN)
        case _:
            assert_never(person)


def person_trust(person: Person) -> Cell:
    """Return the trust of a user, or the size of a group."""
    match person:
        case Group(members=members):
            return Cell(format_count(len(members), "member"), TextStyle.QUIET)
        case Introduction():
            return Cell("introduction", TextStyle.WARN)
        case User(kind=UserKind.KEY):
            return Cell(describe_trust(person))
        case User(verified=True):
            return Cell(f"{describe_trust(person)} ✓", TextStyle.GOOD)
        case User():
            return Cell(describe_trust(person), TextStyle.WARN)
        case _:
            assert_never(person)


def person_has(person: Person) -> Cell:
    """Return how many of a user's shares they have completely."""
    if not isinstance(person, User) or not person.shares:
        return _NONE
    everything = person.complete >= person.shares
    text = f"{format_part(person.complete, person.shares)}{' ✓' if everything else ''}"
    return Cell(text, TextStyle.GOOD if everything else TextStyle.PLAIN)


def person_link(person: Person, now: float) -> Cell:
    """Return the state of the link to a user's agent; now in Unix seconds."""
    if not isinstance(person, Contact):
        return _NONE
    words = name_link(person.link, lambda moment: format_moment(moment, now))
    return Cell(words, TextStyle.GOOD if person.link.since else TextStyle.WARN)


def _link_order(person: Person) -> tuple[bool, int]:
    """Open links first, then those that were open last."""
    link = person.link if isinstance(person, Contact) else Link(user="")
    return not link.since, -max(link.since, link.away)


def folder_sign(folder: AgentFolder) -> Cell:
    """Return the glyph of a folder's state."""
    if folder.drop is None:
        return Cell("○", TextStyle.QUIET)
    return Cell("!", TextStyle.BAD) if folder.drop.state is FolderState.MISSING else Cell("●", TextStyle.GOOD)


def folder_state(folder: AgentFolder) -> Cell:
    """Return the state of a drop folder, or the role of another folder."""
    if folder.drop is None:
        return Cell(folder.role.value, TextStyle.QUIET)
    return Cell(name_folder_state(folder.drop.state), folder_sign(folder).tone)


def event_sign(event: EventRow) -> Cell:
    """Return the glyph of an event or problem."""
    return Cell("!", TextStyle.BAD) if isinstance(event, Problem) else _EVENT_SIGNS[event.kind]


def event_kind(event: EventRow) -> Cell:
    """Return the kind of an event, two words at most."""
    word = NEEDS_ATTENTION if isinstance(event, Problem) else name_activity(event.kind)
    return Cell(word, event_sign(event).tone)


def event_subject(event: EventRow) -> str:
    """Return the subject of an event."""
    return event.title if isinstance(event, Problem) else event.subject


def event_time(event: EventRow) -> int:
    """Return when an event happened or a problem began, Unix seconds."""
    return event.at if isinstance(event, Activity) else event.since


def _seen(person: Person, now: float) -> Cell:
    if not isinstance(person, User) or not person.seen:
        return _NONE
    return Cell(format_moment(person.seen, now), TextStyle.QUIET)


def _fingerprint(person: Person) -> Cell:
    if isinstance(person, Group) or not person.fingerprint:
        return _NONE
    return Cell(person.fingerprint, TextStyle.QUIET)


def _groups(person: Person) -> Cell:
    if isinstance(person, Group):
        return Cell(", ".join(user.name for user in person.members))
    if isinstance(person, Introduction):
        return Cell(f"by {person.introducer}")
    return Cell(" ".join(f"@{group}" for group in person.groups)) if person.groups else _NONE


def _waiting(folder: AgentFolder) -> Cell:
    waiting = folder.drop.waiting if folder.drop else 0
    return Cell(f"{waiting:,}", TextStyle.BUSY) if waiting else _NONE


def person_name(person: Person) -> str:
    """Return a name as it is written in a list of recipients."""
    return f"@{person.name}" if isinstance(person, Group) else person.name


PERSON_COLUMNS: Final[tuple[Column[Person], ...]] = (
    Column("sign", "", 1, lambda person, _: person_sign(person)),
    Column(
        "name",
        "Name",
        0,
        lambda person, _: Cell(person_name(person)),
        cut=fit,
        order=lambda p: p.name.casefold(),
    ),
    Column("link", "Link", 16, person_link, order=_link_order),
    Column(
        "groups", "Groups", 18, lambda person, _: _groups(person), wide=True, order=lambda p: _groups(p).text
    ),
    Column("card", "Fingerprint", _FINGERPRINT, lambda person, _: _fingerprint(person), wide=True),
    Column(
        "trust", "Trust", 14, lambda person, _: person_trust(person), order=lambda p: person_trust(p).text
    ),
    Column(
        "has",
        "Delivered",
        12,
        lambda person, _: person_has(person),
        order=lambda p: -p.complete if isinstance(p, User) else 0,
    ),
    Column(
        "seen",
        "Last seen",
        11,
        _seen,
        wide=True,
        order=lambda p: -p.seen if isinstance(p, User) else 0,
    ),
)
"""The table of people."""

FOLDER_COLUMNS: Final[tuple[Column[AgentFolder], ...]] = (
    Column("sign", "", 1, lambda folder, _: folder_sign(folder)),
    Column(
        "path", "Folder", 0, lambda folder, _: Cell(folder.path), cut=fit, order=lambda folder: folder.path
    ),
    Column(
        "for",
        "For",
        20,
        lambda folder, _: Cell(", ".join(folder.drop.users)) if folder.drop else _NONE,
        wide=True,
    ),
    Column(
        "state",
        "State",
        14,
        lambda folder, _: folder_state(folder),
        order=lambda folder: folder_state(folder).text,
    ),
    Column(
        "waiting",
        "Waiting",
        9,
        lambda folder, _: _waiting(folder),
        right=True,
        order=lambda folder: -(folder.drop.waiting if folder.drop else 0),
    ),
    Column(
        "free",
        "Free",
        8,
        lambda folder, _: _NONE if folder.free is None else Cell(format_size(folder.free)),
        right=True,
    ),
)
"""The table of folders."""

EVENT_COLUMNS: Final[tuple[Column[EventRow], ...]] = (
    Column("sign", "", 1, lambda event, _: event_sign(event)),
    Column(
        "at",
        "When",
        6,
        lambda event, now: Cell(format_moment(event_time(event), now), TextStyle.QUIET),
        order=lambda event: -event_time(event),
    ),
    Column(
        "kind", "What", 15, lambda event, _: event_kind(event), order=lambda event: event_kind(event).text
    ),
    Column("subject", "About", 30, lambda event, _: Cell(event_subject(event)), cut=fit, order=event_subject),
    Column("detail", "", 0, lambda event, _: Cell(event.detail)),
)
"""The table of activity."""
