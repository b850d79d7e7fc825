from __future__ import annotations

import msgspec

from tests.api.samples import STATUS
from tests.tui.people import known
from tests.tui.widgets.test_panes import HAPPENED, TROUBLE, WHOLE
from tuishare.api.messages import FolderState
from tuishare.presentation.row_models import Group, count_missing, list_events, list_folders, list_people
from tuishare.presentation.states import FolderRole


def test_groups_come_after_the_users_who_are_in_them() -> None:
    people = list_people(known())
    assert [person.name for person in people] == ["bob", "carol", "dan", "crew", "family"]
    crew = people[3]
    assert isinstance(crew, Group)
    assert [user.name for user in crew.members] == ["bob", "carol"]


def test_only_the_downloads_folder_tells_free_space() -> None:
    folders = {folder.role: folder for folder in list_folders(WHOLE)}
    assert set(folders) == set(FolderRole)
    assert folders[FolderRole.DOWNLOADS].free == STATUS.free_bytes
    assert folders[FolderRole.INBOX].free is None
    assert folders[FolderRole.DROP].drop == STATUS.drop_folders[0]


def test_trouble_comes_before_what_happened() -> None:
    assert list_events(WHOLE) == (TROUBLE, *HAPPENED)


def test_missing_folders_are_counted() -> None:
    gone = msgspec.structs.replace(STATUS.drop_folders[0], state=FolderState.MISSING)
    status = msgspec.structs.replace(STATUS, drop_folders=(gone, *STATUS.drop_folders))
    assert count_missing(msgspec.structs.replace(WHOLE, status=status)) == 1
