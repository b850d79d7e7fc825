"""The chapters on steps are what the code follows."""

from __future__ import annotations

from tests.diagram import PLACE, render


def test_the_steps_in_the_architecture_document_are_up_to_date() -> None:
    """Run ``python -m tests.diagram`` where this fails."""
    assert PLACE.read_text() == render(PLACE.read_text())
