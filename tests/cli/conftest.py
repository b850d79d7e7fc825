"""Two people at their shells, and a payload that one of them has created a share of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.homes import Person, make_person
from tests.cli.terminals import Tmux


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder with a short name: a socket path has 107 bytes."""
    with TemporaryDirectory(prefix="ts-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def alice(root: Path) -> Person:
    return make_person(root, "alice")


@pytest.fixture
def bob(root: Path) -> Person:
    return make_person(root, "bob")


@pytest.fixture
def tmux(root: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Tmux(root / "tmux")
    try:
        yield terminal
    finally:
        terminal.close()
