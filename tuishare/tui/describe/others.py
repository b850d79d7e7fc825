"""The text about the selected person, folder or event, as Textual content.

Owns what is said of each, and in which order. Pure; every foreign text is cleaned here.
"""

from __future__ import annotations

from typing import assert_never

from textual.content import Content

from tuishare.api.messages import Activity, Delivery, FolderState, Problem, Share, Snapshot, User, UserKind
from tuishare.tui.cells import Cell
from tuishare.tui.describe.entries import delivery_words
from tuishare.tui.formats import clean, fit, format_count, format_moment, format_percent, format_size, pad
from tuishare.tui.people_columns import (
    event_kind,
    event_sign,
    event_subject,
    person_has,
    person_name,
    person_trust,
)
from tuishare.tui.row_models import AgentFolder, Event, FolderRole, Group, Person
from tuishare.tui.theme import TextStyle

_LABEL = 13
_NAME = 32
_SHARES = 20  # lines: the newest; the tab of shares has the filter for all

_PURPOSES = {
    FolderRole.DROP: "What you put here is shared by itself.",
    FolderRole.INBOX: "Put encrypted torrents here that you were sent.",
    FolderRole.OUTBOX: "Encrypted torrents come out here, to be sent to their recipients.",
    FolderRole.DOWNLOADS: "What you receive lands here.",
}
_WATCHED = {
    FolderState.WATCHING: "Every change is noticed at once.",
    FolderState.POLLING: "Looked through from time to time, because changes are not told here.",
    FolderState.MISSING: "The folder is not there. Make it again, or take it out of the settings.",
    FolderState.UNWATCHED: "No agent runs, so changes are not noticed.",
}


def describe_person(person: Person, snapshot: Snapshot, now: float, width: int) -> Content:
    """Say all about a user or a group, and last how we are known ourselves."""
    match person:
        case Group():
            lines = _group(person)
        case User():
            lines = [*_user(person, now, width), *_shares_for(person, snapshot, now)]
        case _:
            assert_never(person)
    return Content("\n").join([*lines, *describe_self(snapshot, width)])


def describe_self(snapshot: Snapshot, width: int = 72) -> list[Content]:
    """Say how others know us; without a width, as it fits into an invitation at eighty columns."""
    people = snapshot.people
    if not people.card:
        return []
    return [
        _fact("Your card", people.fingerprint),
        *_aloud(people.words, width),
        Content.styled(f"{'':<{_LABEL}}c copies your card, to be given to others", TextStyle.QUIET.value),
    ]


def describe_place(place: AgentFolder, _snapshot: Snapshot, _now: float, _width: int) -> Content:
    """Say all about a folder."""
    lines = [
        Content.styled(clean(place.path), TextStyle.STRONG.value),
        Content(_PURPOSES[place.purpose]),
    ]
    if folder := place.folder:
        missing = folder.state is FolderState.MISSING
        lines += [
            _fact("For", ", ".join(map(clean, folder.users))),
            _fact("Waiting", f"{format_count(folder.waiting, 'entry', 'entries')} not shared yet"),
            Content.styled(_WATCHED[folder.state], (TextStyle.BAD if missing else TextStyle.QUIET).value),
        ]
    if place.free is not None:
        lines.append(_fact("Free", format_size(place.free)))
    return Content("\n").join(lines)


def describe_event(event: Event, _snapshot: Snapshot, now: float, _width: int) -> Content:
    """Say all about something that happened, or is wrong now."""
    sign = event_sign(event)
    lines = [_title(Cell(f"{sign.text} {event_kind(event).text}", sign.tone), event_subject(event))]
    match event:
        case Problem():
            lines += [Content(clean(event.detail)), _fact("Since", format_moment(event.since, now))]
            lines += [Content.styled(f"→ {clean(event.hint)}", TextStyle.WARN.value)] if event.hint else []
            lines.append(
                Content.styled("x takes it off the list; it stays a problem.", TextStyle.QUIET.value)
            )
        case Activity():
            lines += [Content(clean(event.detail)), _fact("When", format_moment(event.at, now))]
        case _:
            assert_never(event)
    return Content("\n").join(lines)


def _group(group: Group) -> list[Content]:
    return [
        Content.styled(clean(person_name(group)), TextStyle.STRONG.value),
        _fact("Members", ", ".join(clean(user.name) for user in group.members)),
    ]


def _user(user: User, now: float, width: int) -> list[Content]:
    lines = [_title(person_trust(user), user.name, last=True)]
    if user.kind is UserKind.CARD:
        lines += [_fact("Fingerprint", user.fingerprint), *_aloud(user.words, width)]
    else:
        lines.append(
            _fact("Known by", "a key that you both have; whoever has it can read what is shared with it")
        )
    if user.groups:
        lines.append(_fact("Groups", " ".join(f"@{group}" for group in user.groups)))
    if user.former:
        lines.append(_fact("Cards before", ", ".join(user.former)))
    lines.append(_fact("Has", person_has(user).text))
    lines.append(_fact("Last seen", format_moment(user.seen, now) if user.seen else "never"))
    return lines


def _aloud(words: str, width: int) -> list[Content]:
    """The words of a fingerprint, in two lines where one is too short for all."""
    parts = words.split()
    half = len(parts) if _LABEL + len(words) <= width else (len(parts) + 1) // 2
    return [_fact("", " ".join(line)) for line in (parts[:half], parts[half:]) if line]


def _shares_for(user: User, snapshot: Snapshot, now: float) -> list[Content]:
    found = [
        (share, delivery)
        for share in snapshot.shares
        for delivery in share.deliveries
        if delivery.user == user.name
    ]
    found.sort(key=lambda pair: -pair[0].added)
    lines = [_share_for(share, delivery, now) for share, delivery in found[:_SHARES]]
    more = len(found) - _SHARES
    return lines + ([Content.styled(f"and {more:,} more", TextStyle.QUIET.value)] if more > 0 else [])


def _share_for(share: Share, delivery: Delivery, now: float) -> Content:
    return Content.assemble(
        pad(fit(share.name, _NAME), _NAME),
        (
            f" {format_percent(delivery.progress):>6}  {delivery_words(delivery, now)}",
            TextStyle.QUIET.value,
        ),
    )


def _title(sign: Cell, name: str, *, last: bool = False) -> Content:
    strong = (clean(name), TextStyle.STRONG.value)
    word = (sign.text, sign.tone.value)
    return Content.assemble(strong, "  ", word) if last else Content.assemble(word, "  ", strong)


def _fact(label: str, text: str) -> Content:
    return Content.assemble((f"{label:<{_LABEL}}", TextStyle.QUIET.value), clean(text))
