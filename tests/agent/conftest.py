"""Two people who know each other, and one whom nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.agent.homes import Home, introduce, make_home


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder with a short name: a socket path has 107 bytes."""
    with TemporaryDirectory(prefix="ts-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def alice(root: Path) -> Home:
    return make_home(root, "alice")


@pytest.fixture
def bob(root: Path, alice: Home) -> Home:
    home = make_home(root, "bob")
    introduce(alice, home)
    return home


@pytest.fixture
def carol(root: Path, alice: Home, bob: Home) -> Home:
    """Somebody else whom Alice shares with, and who knows only her."""
    home = make_home(root, "carol")
    alice.know(bob.user(), home.user())
    for friend in (bob, home):
        friend.know(alice.user())
    alice.configure("bob", "carol")
    return home


@pytest.fixture
def mallory(root: Path) -> Home:
    return make_home(root, "mallory")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let watchdog say what it says when a folder appears twice in a row; as an error it would end its thread."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning"))
