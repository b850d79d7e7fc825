from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import NOW
from tests.tui.fakes import FULL
from tuishare.api.messages import Activity, ActivityKind, Snapshot
from tuishare.tui.notifications import find_news

HOSTILE = "\x1b[2Jevil\u202egnp[red]\nexe" + "x" * 500


def with_events(*kinds: ActivityKind) -> Snapshot:
    events = tuple(
        Activity(id=n, at=NOW, kind=kind, subject=f"file-{n}", detail="to bob")
        for n, kind in enumerate(kinds, 1)
    )
    return msgspec.structs.replace(FULL, activity=events[::-1])


def test_the_first_snapshot_is_no_news() -> None:
    assert find_news(None, with_events(ActivityKind.DELIVERED)) == ()


@pytest.mark.parametrize("kind", ActivityKind)
def test_what_matters_is_told_once(kind: ActivityKind) -> None:
    quiet = {ActivityKind.SHARED, ActivityKind.WITHDRAWN, ActivityKind.RENEWED, ActivityKind.ROTATED}
    after = with_events(kind)
    assert [news.words for news in find_news(FULL, after)] == ([] if kind in quiet else ["file-1 · to bob"])
    assert find_news(after, after) == ()


def test_news_come_in_their_order_and_many_as_a_number() -> None:
    told = find_news(FULL, with_events(ActivityKind.DELIVERED, ActivityKind.PROBLEM))
    assert [(news.title, news.severity) for news in told] == [
        ("Delivered", "information"),
        ("Problem", "error"),
    ]
    (one,) = find_news(FULL, with_events(*[ActivityKind.RECEIVED] * 40))
    assert one.title == "40 things happened"


def test_foreign_names_are_safe_and_short() -> None:
    event = Activity(id=9, at=NOW, kind=ActivityKind.REJECTED, subject=HOSTILE, detail=HOSTILE)
    (news,) = find_news(FULL, msgspec.structs.replace(FULL, activity=(event,)))
    assert not {"\x1b", "\u202e", "\n"} & set(news.words)
    assert len(news.words) < 180
