"""QR codes as text: two modules in each cell, one above the other.

Owns how modules become characters. Pure. The lines are to be drawn black on white, whatever the theme is:
cameras need the contrast.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Final

_QUIET: Final = 2
"""Light modules around the code; the standard wants four, cameras are content with two."""
_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
"""Characters by whether the upper and the lower module are dark."""


def draw_qr_code(text: str) -> tuple[str, ...]:
    """Return the lines of the QR code of a text, all of the same width."""
    import segno  # 30 ms, and needed only where a code is shown

    code = segno.make_qr(text, error="l", boost_error=False)
    rows = [[module == 1 for module in row] for row in code.matrix_iter(border=_QUIET)]
    light = [False] * len(rows[0])
    pairs = zip_longest(rows[::2], rows[1::2], fillvalue=light)
    return tuple("".join(_HALVES[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in pairs)
