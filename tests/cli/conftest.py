"""Two people at their shells, and a payload that one of them has created a share of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.homes import Person, make_person


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
