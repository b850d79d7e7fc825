from __future__ import annotations

from typing import Any

import pytest

from tests.tui.people import BOB
from tests.tui.widgets.test_panes import WHOLE
from tuishare.tui.screens.main_screen import TABS
from tuishare.tui.tab_models import ACTIVITY, DOWNLOADS, FOLDERS, PEOPLE, SHARES, Listing

EVERY: tuple[Listing[Any], ...] = (SHARES, DOWNLOADS, PEOPLE, FOLDERS, ACTIVITY)


def test_every_tab_has_its_listing() -> None:
    assert tuple(listing.name for listing in EVERY) == TABS


@pytest.mark.parametrize("listing", EVERY, ids=TABS)
def test_entries_are_told_apart_ordered_searched_and_copied(listing: Listing[Any]) -> None:
    entries = list(listing.pick(WHOLE))
    assert entries
    assert len({listing.key(entry) for entry in entries}) == len(entries)
    assert len(sorted(entries, key=listing.order)) == len(entries)
    assert all(listing.words(entry) and listing.copied(entry) for entry in entries)
    for column in listing.columns:
        if column.order:
            sorted(entries, key=column.order)


def test_a_person_is_found_by_group_and_trust() -> None:
    assert "@crew" in PEOPLE.words(BOB)
    assert "not verified" in PEOPLE.words(BOB)
