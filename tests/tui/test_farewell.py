from __future__ import annotations

import msgspec

from tests.api.samples import NOW
from tests.tui.fakes import CALM, FULL, snapshot
from tuishare.api.messages import Problem
from tuishare.tui.farewell import write_farewell, write_notice
from tuishare.tui.view import Connecting, Live, Lost, View

LOST = Lost(since=NOW, detail="No agent answers", hint="Start it.", retry_at=NOW + 30, startable=True)
PROBLEM = Problem(id="1", title="Folder missing", detail="/d is gone", hint="Make it again", since=NOW)


def write(view: View, now: float = NOW) -> str:
    notice = write_notice(view, now)
    assert notice is not None
    return notice.plain


def test_nothing_wrong_says_nothing() -> None:
    assert write_notice(View(Live(), FULL), NOW) is None
    assert write_notice(View(Connecting()), NOW) is None


def test_a_lost_agent_tells_the_age_the_reason_and_the_key() -> None:
    text = write(View(LOST, FULL), NOW + 12)
    assert text == (
        "! Agent lost. What you see is 12 s old. No agent answers. Start it.\ns start it · by itself in 18 s"
    )


def test_nothing_shown_has_no_age() -> None:
    assert "old" not in write(View(LOST))


def test_an_agent_of_another_version_is_not_started_twice() -> None:
    other = Lost(since=NOW, detail="It speaks 2", hint="", retry_at=NOW, startable=False)
    assert "s try again" in write(View(other))
    assert "start" not in write(View(other))


def test_a_problem_comes_with_its_remedy_and_the_number_of_others() -> None:
    one = snapshot(status=msgspec.structs.replace(CALM, problems=(PROBLEM,)))
    assert write(View(Live(), one)) == "! Folder missing. /d is gone. Make it again."
    three = snapshot(status=msgspec.structs.replace(CALM, problems=(PROBLEM,) * 3))
    assert write(View(Live(), three)).endswith("(and 2 more)")


def test_a_lost_agent_goes_before_a_problem() -> None:
    both = snapshot(status=msgspec.structs.replace(CALM, problems=(PROBLEM,)))
    assert "Agent lost" in write(View(LOST, both))


def test_the_farewell_says_only_what_is_known() -> None:
    assert write_farewell(View(Live(), FULL)) == "The agent keeps running. End it with: tuishare stop"
    assert write_farewell(View(LOST, FULL)) == "No agent answers. Start it."
    assert "did not answer yet" in write_farewell(View())


def test_foreign_text_is_cleaned() -> None:
    bad = msgspec.structs.replace(PROBLEM, title="\x1b[1mT", detail="a\nb\u202e", hint="\x07h")
    text = write(View(Live(), snapshot(status=msgspec.structs.replace(CALM, problems=(bad,)))))
    assert text.isprintable()
    lost = Lost(since=NOW, detail="a\nb", hint="\x1bh", retry_at=NOW, startable=True)
    assert len(write(View(lost)).splitlines()) == 2
