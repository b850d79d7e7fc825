"""Marks by place, so that a contributor can leave out what is slow: ``pytest -m "not slow and not swarm"``."""

from __future__ import annotations

import functools
import gc
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent
_MARKS = {
    "swarm": ("agent", "swarm", "cli/test_demo.py", "cli/test_download.py", "cli/test_seed.py"),
    "crash": ("agent/test_crashes.py", "agent/test_damage.py", "agent/test_full_disk.py"),
    "slow": (
        "agent/network/test_router.py",
        "agent/test_crashes.py",
        "agent/test_damage.py",
        "agent/test_few_descriptors.py",
        "cli/test_demo.py",
        "cli/test_reload.py",
        "cli/test_seed.py",
        "tracker/test_floods.py",
        "tui/test_every_key.py",
        "tui/test_journey.py",
    ),
}
"""Files and folders below this one, by marker; what each marker means is told in pyproject.toml."""


def pytest_collection_finish() -> None:
    """Collect garbage less often: that took a fifth of the processor time of the tests.

    Modules and tests are there for good, and apps of Textual make many objects, nearly all of which are freed at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(25_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by where it is."""
    places = {marker: [_TESTS / name for name in names] for marker, names in _MARKS.items()}
    # A file that was renamed would lose its marks without a word.
    assert all(path.exists() for paths in places.values() for path in paths)
    # Once for each file: there are thousands of tests, and every worker marks all of them.
    marks_of = functools.cache(
        lambda file: [
            marker
            for marker, paths in places.items()
            if any(path == file or path in file.parents for path in paths)
        ]
    )
    for item in items:
        for marker in marks_of(item.path):
            item.add_marker(marker)
