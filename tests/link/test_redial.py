"""When an agent calls again."""

from __future__ import annotations

import itertools

from tuishare.link.redial import Pauses


def test_pauses_grow_from_a_second_to_a_quarter_of_an_hour() -> None:
    pauses = Pauses()
    waited = [pauses.next() for _ in range(20)]
    assert 0.75 <= waited[0] <= 1
    assert all(later > earlier * 1.4 for earlier, later in itertools.pairwise(waited[:10]))
    assert all(675 <= seconds <= 900 for seconds in waited[10:])
    pauses.reset()
    assert pauses.next() <= 1


def test_agents_that_lost_each_other_at_once_do_not_call_at_once() -> None:
    assert len({Pauses().next() for _ in range(10)}) == 10
