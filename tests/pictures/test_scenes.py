"""The README's pictures are what the script makes; when this is red: ``python -m tests.pictures``, and look at them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.pictures.scenes import SCENES, draw

FOLDER = Path(__file__).parent


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()


@pytest.mark.parametrize("name", SCENES)
async def test_a_picture_is_what_the_script_makes(name: str) -> None:
    assert await draw(name) == (FOLDER / f"{name}.svg").read_text()


def test_the_readme_shows_each_of_them() -> None:
    readme = (FOLDER.parent.parent / "README.md").read_text()
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(SCENES)
    assert all(f"tests/pictures/{name}.svg" in readme for name in SCENES)
