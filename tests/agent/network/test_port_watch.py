from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest

from tuishare.agent.events import ChangeSignal
from tuishare.agent.network.port_watch import PortWatch
from tuishare.core.clock import Clock
from tuishare.errors import SystemFailed, TuishareError


@dataclass
class Owner:
    """A part of the agent whose port a test opens and closes."""

    port_fault: TuishareError | None = None


def test_a_port_is_told_of_once_and_again_when_its_reason_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    owner = Owner(SystemFailed("port 7 is in use"))
    watch = PortWatch({("swarms", "network.listen"): owner}, ChangeSignal(), Clock())
    (problem,) = watch.problems
    assert problem.title == "No port for swarms"
    assert "config set network.listen" in problem.hint
    assert not watch.look()
    assert caplog.text.count("cannot be opened") == 1
    owner.port_fault = SystemFailed("port 7 is forbidden")
    assert watch.look()
    assert [each.detail for each in watch.problems] == [
        "port 7 is forbidden. It is opened when that is possible"
    ]
    assert watch.problems[0].since == problem.since
    owner.port_fault = None
    assert watch.look()
    assert watch.problems == ()
    assert caplog.text.count("is open now") == 1
    assert not watch.look()
