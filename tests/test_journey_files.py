"""The lists of files in the architecture document name what is there, as many as it says."""

from __future__ import annotations

import re

import pytest

from tests.journey_files import PACKAGE, PLACE, count, listed

TEXT = PLACE.read_text()
WANTED = {"drop → seeded": 45, "envelope → delivered": 45, "revoke → cut": 25}


def test_every_journey_has_its_list() -> None:
    assert listed(TEXT).keys() == WANTED.keys()


@pytest.mark.parametrize("journey", WANTED)
def test_the_files_of_a_journey_are_there_and_few(journey: str) -> None:
    """Run ``python -m tests.journey_files`` where this fails."""
    names = listed(TEXT)[journey]
    inside = [name for name in names if name.endswith(".py")]
    assert [name for name in inside if not (PACKAGE / name).is_file()] == []
    rooms = [name for name in names if name not in inside]
    assert [
        name for name in rooms if not ((PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file())
    ] == []
    assert len(names) == len(set(names)) <= WANTED[journey]
    row = rf"^\| {journey} \| {len(names)} \| {len(inside)} \| {len(rooms)} \|$"
    assert re.search(row, TEXT, re.MULTILINE)


def test_a_module_of_another_room_counts_as_its_room() -> None:
    found = count(["agent/daemon.py", "core/rows.py", "sanitize.py", "swarm/engine.py", "swarm/session.py"])
    assert found == (["agent/daemon.py", "core/rows.py"], ["sanitize", "swarm"])
