"""The list of threats speaks of this tree, and the code of nothing that is not in the list."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
TABLE = (TESTS / "THREATS.md").read_text()
ROWS = re.findall(r"^\| (T\d+) \|(.*)$", TABLE, re.MULTILINE)


def test_every_place_it_names_is_there() -> None:
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)*)`", TABLE)
    assert len(named) > 40
    roots = (ROOT / "tuishare", TESTS)
    missing = [
        name
        for name in named
        if not any((root / f"{name}{end}").exists() for root in roots for end in ("", ".py"))
    ]
    assert missing == []


def test_the_code_names_only_threats_of_the_list() -> None:
    sources = [*(ROOT / "tuishare").rglob("*.py"), *TESTS.rglob("*.py")]
    named = {
        number
        for source in sources
        for line in re.findall(r"[Tt]hreats? T\d+(?:[,–]? (?:and )?T\d+)*", source.read_text())
        for number in re.findall(r"T\d+", line)
    }
    assert len(named) > 10
    assert named <= {number for number, _ in ROWS}
