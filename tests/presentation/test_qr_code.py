from __future__ import annotations

import pytest
import segno

from tuishare.presentation.qr_code import draw_qr_code

HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


@pytest.mark.parametrize("length", [1, 200, 399])
def test_the_modules_are_those_of_the_code(length: int) -> None:
    """An invitation has at most 399 characters."""
    text = "x" * length
    lines = draw_qr_code(text)
    assert len({len(line) for line in lines}) == 1
    halves = [[HALVES[character] for character in line] for line in lines]
    rows = [[cell[half] for cell in row] for row in halves for half in (0, 1)]
    code = segno.make_qr(text, error="l", boost_error=False)
    expected = [[int(module == 1) for module in row] for row in code.matrix_iter(border=2)]
    assert rows[: len(expected)] == expected
    assert not any(map(any, rows[len(expected) :]))
