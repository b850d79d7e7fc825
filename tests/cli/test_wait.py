from __future__ import annotations

from typing import Any

import pytest

from tests.cli.homes import Person
from tests.cli.served import download, served, share
from tuishare.api.messages import Delivery, DeliveryState, DownloadState, ShareState

DONE = Delivery(user="bob", state=DeliveryState.COMPLETE, progress=1.0, completed=7)
HALF = Delivery(user="carol", state=DeliveryState.DOWNLOADING, progress=0.5)


@pytest.mark.parametrize(
    ("entry", "until"),
    [
        (download("1", "film", state=DownloadState.COMPLETE), "complete"),
        (share("1", "film", state=ShareState.SEEDING, deliveries=(DONE,)), "complete"),
        (share("1", "film", state=ShareState.SEEDING, deliveries=(DONE, HALF)), "seeding"),
    ],
)
async def test_what_has_come_so_far_is_not_waited_for(alice: Person, entry: Any, until: str) -> None:
    async with served(alice, entry) as desk:
        said = await desk.call("wait", "film", "--until", until)
    assert (said.code, said.out, said.err) == (0, "", "")


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (share("1", "film", state=ShareState.SEEDING, deliveries=(DONE, HALF)), "seeding"),
        (download("1", "film", state=DownloadState.DOWNLOADING, progress=0.4), "downloading"),
        (download("1", "other"), "it is not there yet"),
    ],
)
async def test_it_gives_up_in_time_and_says_how_far_it_is(alice: Person, entry: Any, state: str) -> None:
    async with served(alice, entry) as desk:
        said = await desk.call("wait", "film", "--timeout", "0.2")
    assert said.failed(1, "“film” is not complete after 0.2 s"), said
    assert state in said.err


async def test_a_problem_that_does_not_pass_ends_it(alice: Person) -> None:
    broken: dict[str, Any] = {
        "state": DownloadState.PROBLEM,
        "detail": "The disk is broken",
        "hint": "Buy another",
    }
    async with served(alice, download("1", "film", **broken)) as desk:
        assert (await desk.call("wait", "film")).failed(1, "has a problem: The disk is broken")
    async with served(alice, download("1", "film", again_at=9_999_999_999, **broken)) as desk:
        assert (await desk.call("wait", "film", "--timeout", "0.2")).failed(1, "after 0.2 s")


def test_without_an_agent(alice: Person) -> None:
    assert alice.call("wait", "film").failed(1, "No agent answers")
