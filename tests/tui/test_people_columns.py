from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import NOW, STATUS
from tests.tui.people import BOB, CAROL, DAN, known
from tests.tui.widgets.test_panes import HAPPENED, TROUBLE
from tuishare.api.messages import ActivityKind, FolderState, Link
from tuishare.presentation.row_models import AgentFolder, EventRow, Group, Person, list_people
from tuishare.presentation.states import FolderRole
from tuishare.tui.cells import Cell, Column
from tuishare.tui.people_columns import (
    EVENT_COLUMNS,
    FOLDER_COLUMNS,
    PERSON_COLUMNS,
    event_kind,
    event_sign,
    event_time,
    folder_sign,
    folder_state,
    person_has,
    person_link,
    person_sign,
    person_trust,
)
from tuishare.tui.theme import TextStyle

CREW = Group("crew", (BOB, CAROL))
DROP = AgentFolder(FolderRole.DROP, "/home/alice/drop", STATUS.drop_folders[0])
INBOX = AgentFolder(FolderRole.INBOX, "/home/alice/inbox")


def missing() -> AgentFolder:
    return AgentFolder(
        FolderRole.DROP, "/gone", msgspec.structs.replace(STATUS.drop_folders[0], state=FolderState.MISSING)
    )


@pytest.mark.parametrize(
    ("person", "sign", "trust", "tone"),
    [
        (BOB, "◌", "not verified", TextStyle.WARN),
        (CAROL, "●", "verified ✓", TextStyle.GOOD),
        (DAN, "◆", "shared key", TextStyle.PLAIN),
        (CREW, "@", "2 members", TextStyle.QUIET),
    ],
)
def test_trust_is_a_glyph_and_words(person: Person, sign: str, trust: str, tone: TextStyle) -> None:
    assert person_sign(person).text == sign
    assert person_trust(person).text == trust
    assert person_trust(person).tone is tone


@pytest.mark.parametrize(
    ("link", "words", "tone"),
    [
        (Link(user="carol", since=NOW - 60), "open since 11:55", TextStyle.GOOD),
        (Link(user="carol", away=NOW - 60, error="No"), "away since 11:55", TextStyle.WARN),
        (Link(user="carol"), "no address", TextStyle.WARN),
    ],
)
def test_the_link_stands_beside_the_name(link: Link, words: str, tone: TextStyle) -> None:
    carol = list_people(msgspec.structs.replace(known(CAROL), links=(link,)))[0]
    assert person_link(carol, NOW) == Cell(words, tone)
    assert person_sign(carol) == person_sign(CAROL)
    assert person_link(BOB, NOW).text == person_link(CREW, NOW).text == "–"


def test_what_somebody_has() -> None:
    assert person_has(BOB).text == "3 of 5"
    everything = person_has(msgspec.structs.replace(BOB, complete=5))
    assert (everything.text, everything.tone) == ("5 of 5 ✓", TextStyle.GOOD)
    assert person_has(CREW).text == person_has(DAN).text == "–"


def test_a_folder_that_is_missing_needs_attention() -> None:
    assert (folder_sign(missing()).text, folder_state(missing()).text) == ("!", "missing")
    assert folder_sign(DROP).text == "●"
    assert folder_state(INBOX).text == "inbox"


def test_every_kind_of_event_has_its_words_and_its_sign() -> None:
    events = [msgspec.structs.replace(HAPPENED[0], kind=kind) for kind in ActivityKind]
    assert all(event_sign(event).text for event in events)
    words = {event_kind(event).text for event in events}
    assert len(words) == len(ActivityKind)
    width = next(column.width for column in EVENT_COLUMNS if column.key == "kind")
    assert all(0 < len(word) <= width for word in words)
    assert (event_sign(TROUBLE).text, event_kind(TROUBLE).text) == ("!", "needs attention")
    assert event_time(TROUBLE) == TROUBLE.since


@pytest.mark.parametrize("column", PERSON_COLUMNS, ids=lambda column: column.key)
def test_people_and_groups_have_every_cell_and_can_be_compared(column: Column[Person]) -> None:
    everybody: list[Person] = [BOB, CAROL, DAN, CREW]
    for person in everybody:
        assert isinstance(column.cell(person, NOW).text, str)
    if column.order:
        assert len(sorted(everybody, key=column.order)) == len(everybody)


@pytest.mark.parametrize("column", FOLDER_COLUMNS, ids=lambda column: column.key)
def test_folders_have_every_cell_and_can_be_compared(column: Column[AgentFolder]) -> None:
    folders = [DROP, INBOX, missing()]
    assert all(isinstance(column.cell(folder, NOW).text, str) for folder in folders)
    if column.order:
        assert len(sorted(folders, key=column.order)) == len(folders)


@pytest.mark.parametrize("column", EVENT_COLUMNS, ids=lambda column: column.key)
def test_events_and_trouble_have_every_cell_and_can_be_compared(column: Column[EventRow]) -> None:
    events: list[EventRow] = [*HAPPENED, TROUBLE]
    assert all(isinstance(column.cell(event, NOW).text, str) for event in events)
    if column.order:
        assert len(sorted(events, key=column.order)) == len(events)
