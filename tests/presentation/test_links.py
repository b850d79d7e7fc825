from __future__ import annotations

from typing import Any

import pytest

from tuishare.api.messages import Handover, HandoverState, Link
from tuishare.presentation.links import (
    describe_handover,
    describe_last_error,
    describe_link,
    name_link,
)

NOW = 21


@pytest.mark.parametrize(
    ("handover", "words"),
    [
        (Handover(), ""),
        (Handover(state=HandoverState.HANDED_OVER, at=8), "handed over t8"),
        (Handover(state=HandoverState.HANDED_OVER), "handed over"),
        (Handover(state=HandoverState.REFUSED, at=8, detail="quota"), "refused: quota"),
        (Handover(state=HandoverState.REFUSED), "refused"),
        (Handover(state=HandoverState.WAITING, hub=7, tried=8), "by hub: in their mailbox since t7"),
        (Handover(state=HandoverState.WAITING), "waiting to be handed over"),
        (Handover(state=HandoverState.WAITING, detail="no space"), "waiting: no space"),
        (
            Handover(state=HandoverState.WAITING, addresses=2, tried=9),
            "waiting: bob's agent does not answer (2 addresses, tried 12 s ago)",
        ),
        (
            Handover(state=HandoverState.WAITING, addresses=1, tried=9),
            "waiting: bob's agent does not answer (1 address, tried 12 s ago)",
        ),
    ],
)
def test_how_far_an_envelope_is(handover: Handover, words: str) -> None:
    assert describe_handover("bob", handover, "t{}".format, NOW) == words


@pytest.mark.parametrize(
    ("fields", "name", "words", "error"),
    [
        (
            {"since": 5, "called": True, "error": "x"},
            "open since t5",
            "open since t5 (this agent called)",
            "",
        ),
        ({"since": 5}, "open since t5", "open since t5 (they called)", ""),
        (
            {"away": 4, "error": "It does not answer", "tried": 6},
            "away since t4",
            "away since t4",
            "It does not answer (tried t6)",
        ),
        ({"away": 4, "error": "They ended it"}, "away since t4", "away since t4", "They ended it"),
        ({"addresses": ("a:1",)}, "not reached yet", "not reached yet", ""),
        ({}, "no address", "no address known: one envelope has to be carried by hand", ""),
    ],
)
def test_the_state_of_a_link(fields: dict[str, Any], name: str, words: str, error: str) -> None:
    link = Link(user="bob", **fields)
    assert name_link(link, "t{}".format) == name
    assert describe_link(link, "t{}".format) == words
    assert describe_last_error(link, "t{}".format) == error
