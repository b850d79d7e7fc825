from __future__ import annotations

import pytest

from tuishare.tui.cells import lay_out
from tuishare.tui.share_columns import DOWNLOAD_COLUMNS, SHARE_COLUMNS


@pytest.mark.parametrize(("width", "number"), [(80, 4), (98, 7), (110, 8), (120, 9), (200, 9)])
def test_columns_are_dropped_where_there_is_no_room(width: int, number: int) -> None:
    laid = lay_out(SHARE_COLUMNS, width)
    assert len(laid) == number
    assert sum(cells + 2 for _, cells in laid) == width


def test_a_name_keeps_some_cells_however_narrow_the_table_is() -> None:
    assert all(cells >= 1 for _, cells in lay_out(DOWNLOAD_COLUMNS, 20))
    assert {column.key: cells for column, cells in lay_out(DOWNLOAD_COLUMNS, 20)}["name"] == 12
