"""The text about a user, a group or our own card, and fingerprints laid out for comparison.

Owns its wording and order. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from typing import assert_never

from textual.content import Content

from tuishare.api.messages import Delivery, Introduction, Share, Snapshot, User, UserKind
from tuishare.presentation.formats import format_count, format_moment, format_percent
from tuishare.presentation.links import UNREACHED, describe_last_error, describe_link
from tuishare.presentation.row_models import Contact, Group, Person
from tuishare.presentation.states import describe_approval, describe_introduction, describe_user_origin
from tuishare.tui.cell_text import clean, clip, fit, pad
from tuishare.tui.describe.lines import LABEL, write_fact, write_title
from tuishare.tui.describe.transfers import write_delivery
from tuishare.tui.people_columns import person_has, person_name, person_trust
from tuishare.tui.theme import TextStyle

_NAME = 32
_SHARES = 20  # lines: the newest; the tab Shares can be filtered for all of them
_DIALOG = 68  # cells of a dialog


def describe_person(person: Person, snapshot: Snapshot, now: float, width: int) -> Content:
    """Return the text about a user or a group, and last about our own card."""
    match person:
        case Group():
            lines = _group(person)
        case Introduction():
            lines = _introduction(person, width)
        case User():
            lines = [*_user(person, now, width), *_shares_for(person, snapshot, now)]
        case _:
            assert_never(person)
    return Content("\n").join([*lines, *describe_self(snapshot, width)])


def describe_self(snapshot: Snapshot, width: int = 72) -> list[Content]:
    """Return the text about our own card; the default width fits an empty tab at 80 columns."""
    people = snapshot.people
    if not people.card:
        return []
    return [
        write_fact("Your card", people.fingerprint),
        *_words(people.words, width),
        write_fact("Reached at", ", ".join(snapshot.status.link_addresses) or UNREACHED),
        Content.styled(
            f"{'':<{LABEL}}c copies your card; send it to those who share with you", TextStyle.QUIET.value
        ),
    ]


def show_fingerprint(words: str, base32: str) -> Content:
    """Lay out a fingerprint for a dialog: the words to read aloud in two lines, then the same in base32."""
    parts = words.split()
    half = (len(parts) + 1) // 2
    lines = [
        Content.styled(clip(" ".join(line), _DIALOG), TextStyle.STRONG.value)
        for line in (parts[:half], parts[half:])
    ]
    return Content("\n").join([*lines, Content.styled(clip(base32, _DIALOG), TextStyle.QUIET.value)])


def _group(group: Group) -> list[Content]:
    members = ", ".join(clean(user.name) for user in group.members)
    lines = [write_title(person_name(group)), write_fact("Members", members)]
    if group.introduced:
        lines.append(write_fact("Introduced", "new members, by themselves"))
    return lines


def _introduction(introduction: Introduction, width: int) -> list[Content]:
    lines = [
        write_title(introduction.name, after=person_trust(introduction)),
        write_fact("Known by", describe_introduction(introduction)),
        write_fact("Fingerprint", introduction.fingerprint),
        *_words(introduction.words, width),
    ]
    if introduction.taken:
        lines.append(write_fact("Name", "another user has it; you may choose one when accepting"))
    hint = f"{'':<{LABEL}}e accepts or declines; nothing comes from them until you accept"
    return [*lines, Content.styled(hint, TextStyle.QUIET.value)]


def _user(user: User, now: float, width: int) -> list[Content]:
    lines = [write_title(user.name, after=person_trust(user))]
    if user.kind is UserKind.CARD:
        lines += [
            write_fact("Known by", describe_user_origin(user)),
            *([write_fact("Approval", approval)] if (approval := describe_approval(user)) else []),
            *_link(user, now),
            write_fact("Fingerprint", user.fingerprint),
            *_words(user.words, width),
        ]
    else:
        lines.append(
            write_fact("Known by", "a key that you both have; anyone who has it can open what you share")
        )
    if user.groups:
        lines.append(write_fact("Groups", " ".join(f"@{group}" for group in user.groups)))
    if user.former:
        lines.append(write_fact("Former cards", ", ".join(user.former)))
    lines.append(write_fact("Delivered", person_has(user).text))
    lines.append(write_fact("Last seen", format_moment(user.seen, now) if user.seen else "never"))
    return lines


def _link(user: User, now: float) -> list[Content]:
    if not isinstance(user, Contact):
        return []

    def write_time(moment: int) -> str:
        return format_moment(moment, now)

    link = user.link
    lines = [write_fact("Link", describe_link(link, write_time))]
    if error := describe_last_error(link, write_time):
        lines.append(write_fact("Last error", error))
    if link.addresses:
        lines.append(write_fact("Addresses", ", ".join(link.addresses)))
    if link.waiting:
        lines.append(write_fact("Waiting", f"{format_count(link.waiting, 'envelope')} for them"))
    return lines


def _words(words: str, width: int) -> list[Content]:
    """Return the words of a fingerprint, in two lines where one is too short."""
    parts = words.split()
    half = len(parts) if LABEL + len(words) <= width else (len(parts) + 1) // 2
    return [write_fact("", " ".join(line)) for line in (parts[:half], parts[half:]) if line]


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
    progress = f" {format_percent(delivery.progress):>6}  {write_delivery(delivery, now)}"
    return Content.assemble(pad(fit(share.name, _NAME), _NAME), (progress, TextStyle.QUIET.value))
