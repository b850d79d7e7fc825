from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import NOW
from tests.tui.fakes import CALM, FULL, snapshot
from tuishare.api.messages import Activity, ActivityKind, Problem, Snapshot
from tuishare.tui.notifications import find_toasts, write_banner, write_farewell
from tuishare.tui.view import Connected, Connecting, Lost, View

HOSTILE = "\x1b[2Jevil\u202egnp[red]\nexe" + "x" * 500
LOST = Lost(since=NOW, detail="No agent answers", hint="Start it.", retry_at=NOW + 30, startable=True)
PROBLEM = Problem(id="1", title="Folder missing", detail="/d is gone", hint="Make it again", since=NOW)


def with_events(*kinds: ActivityKind) -> Snapshot:
    events = tuple(
        Activity(id=n, at=NOW, kind=kind, subject=f"file-{n}", detail="to bob")
        for n, kind in enumerate(kinds, 1)
    )
    return msgspec.structs.replace(FULL, activity=events[::-1])


def test_the_first_snapshot_is_no_news() -> None:
    assert find_toasts(None, with_events(ActivityKind.DELIVERED)) == ()


@pytest.mark.parametrize("kind", ActivityKind)
def test_what_matters_is_told_once(kind: ActivityKind) -> None:
    quiet = {
        *(ActivityKind.SHARED, ActivityKind.HANDED_OVER, ActivityKind.WITHDRAWN),
        *(ActivityKind.RENEWED, ActivityKind.ROTATED),
    }
    after = with_events(kind)
    assert [toast.words for toast in find_toasts(FULL, after)] == (
        [] if kind in quiet else ["file-1 · to bob"]
    )
    assert find_toasts(after, after) == ()


def test_news_come_in_their_order_and_many_as_a_number() -> None:
    told = find_toasts(FULL, with_events(ActivityKind.DELIVERED, ActivityKind.PROBLEM))
    assert [(toast.title, toast.severity) for toast in told] == [
        ("Delivered", "information"),
        ("Problem", "error"),
    ]
    (one,) = find_toasts(FULL, with_events(*[ActivityKind.RECEIVED] * 40))
    assert one.title == "40 events"


def test_foreign_names_are_safe_and_short() -> None:
    event = Activity(id=9, at=NOW, kind=ActivityKind.REJECTED, subject=HOSTILE, detail=HOSTILE)
    (toast,) = find_toasts(FULL, msgspec.structs.replace(FULL, activity=(event,)))
    assert not {"\x1b", "\u202e", "\n"} & set(toast.words)
    assert len(toast.words) < 180


def write(view: View, now: float = NOW) -> str:
    banner = write_banner(view, now)
    assert banner is not None
    return banner.plain


def test_nothing_wrong_says_nothing() -> None:
    assert write_banner(View(Connected(), FULL), NOW) is None
    assert write_banner(View(Connecting()), NOW) is None


def test_a_lost_agent_tells_the_age_the_reason_and_the_key() -> None:
    text = write(View(LOST, FULL), NOW + 12)
    assert text == (
        "! Agent lost. What you see is 12 s old. No agent answers. Start it.\ns start it · next try in 18 s"
    )


def test_nothing_shown_has_no_age() -> None:
    assert "old" not in write(View(LOST))


def test_an_agent_of_another_version_is_not_started_twice() -> None:
    other = Lost(since=NOW, detail="It speaks 2", hint="", retry_at=NOW, startable=False)
    assert "s try again" in write(View(other))
    assert "start" not in write(View(other))


def test_a_problem_comes_with_its_remedy_and_the_number_of_others() -> None:
    one = snapshot(status=msgspec.structs.replace(CALM, problems=(PROBLEM,)))
    assert write(View(Connected(), one)) == "! Folder missing. /d is gone. Make it again."
    three = snapshot(status=msgspec.structs.replace(CALM, problems=(PROBLEM,) * 3))
    assert write(View(Connected(), three)).endswith("(and 2 more)")


def test_a_lost_agent_goes_before_a_problem() -> None:
    both = snapshot(status=msgspec.structs.replace(CALM, problems=(PROBLEM,)))
    assert "Agent lost" in write(View(LOST, both))


def test_the_farewell_says_only_what_is_known() -> None:
    assert write_farewell(View(Connected(), FULL)) == "The agent keeps running. Stop it with: tuishare stop"
    assert write_farewell(View(LOST, FULL)) == "No agent answers. Start it."
    assert "has not answered yet" in write_farewell(View())


def test_foreign_text_is_cleaned() -> None:
    bad = msgspec.structs.replace(PROBLEM, title="\x1b[1mT", detail="a\nb\u202e", hint="\x07h")
    text = write(View(Connected(), snapshot(status=msgspec.structs.replace(CALM, problems=(bad,)))))
    assert text.isprintable()
    lost = Lost(since=NOW, detail="a\nb", hint="\x1bh", retry_at=NOW, startable=True)
    assert len(write(View(lost)).splitlines()) == 2
