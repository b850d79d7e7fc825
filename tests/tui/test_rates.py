from __future__ import annotations

import msgspec

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tests.tui.fakes import snapshot
from tuishare.tui.rates import SPAN, Rates, average, draw_chart


def test_a_rate_holds_until_another_is_told() -> None:
    steps = ((0.0, 100), (10.0, 300))
    assert average(steps, 0, 10) == 100
    assert average(steps, 5, 15) == 200
    assert average(steps, 20, 30) == 300
    assert average(steps, -20, -10) == 0


def test_only_what_moves_is_remembered_and_not_for_ever() -> None:
    rates = Rates()
    still = msgspec.structs.replace(SHARE, rate_up=0)
    rates.record(snapshot((still,), (DOWNLOAD,)), NOW)
    assert rates.steps(SHARE.id) == ()
    assert rates.steps(DOWNLOAD.id) == ((NOW, DOWNLOAD.rate_down),)
    rates.record(snapshot((SHARE,)), NOW + 1)
    assert rates.steps(SHARE.id) == ((NOW + 1, SHARE.rate_up),)
    assert rates.steps(DOWNLOAD.id) == ((NOW, DOWNLOAD.rate_down), (NOW + 1, 0))
    rates.record(snapshot((SHARE,)), NOW + 2 + SPAN)
    assert rates.steps(DOWNLOAD.id) == ()


def test_what_is_older_than_the_chart_is_dropped_but_for_its_left_edge() -> None:
    rates = Rates()
    for second in range(SPAN * 2):
        rates.record(snapshot((msgspec.structs.replace(SHARE, rate_up=second + 1),)), NOW + second)
    assert SPAN <= len(rates.steps(SHARE.id)) <= SPAN + 1


def test_the_highest_fills_the_chart_and_the_present_is_on_the_right() -> None:
    steps = ((0.0, 0), (SPAN / 2, 100), (SPAN * 0.75, 200))
    assert draw_chart(steps, SPAN, 4, 2) == ["   █", "  ██"]
    assert draw_chart(steps, SPAN, 4) == ["  ▄█"]


def test_nothing_moved_is_a_flat_line() -> None:
    assert draw_chart((), NOW, 5, 2) == ["     ", "▁▁▁▁▁"]
    assert draw_chart(((0.0, 0),), SPAN, 5) == ["▁▁▁▁▁"]
